/**
 * What the two sides of a store that is served over a channel say to each other. Messages of others on the same channel
 * have no member `hydraStore` and are none of ours.
 *
 * @module
 */
import { StoreAway } from '../redis/port.ts'
import type { Store } from '../store.ts'

/** What a client asks; the names of calls are those of the table below. */
export type Asked =
  | { readonly hydraStore: 'hello' }
  | {
      readonly hydraStore: 'call'
      readonly id: string
      readonly call: CallName
      readonly args: readonly unknown[]
    }
  | { readonly hydraStore: 'listen' | 'unlisten'; readonly topic: string }

/** What the side with the store says. */
export type Told =
  | ({ readonly hydraStore: 'facts' } & Facts)
  | { readonly hydraStore: 'answer'; readonly id: string; readonly value?: unknown }
  | { readonly hydraStore: 'fault'; readonly id: string; readonly fault: Fault }
  | { readonly hydraStore: 'hint'; readonly of: 'instances' | 'identity' }
  | ({ readonly hydraStore: 'reach' } & Reached)
  | { readonly hydraStore: 'message'; readonly topic: string; readonly text: string }

/** The clocks of two processes begin at different times: it is said for how long it is so. */
export interface Reached {
  readonly isReachable: boolean
  readonly forMs: number
}

export interface Facts extends Reached {
  readonly place: string
  readonly isShared: boolean
  readonly peoplePlace: string
  readonly isLasting: boolean
}

export interface Fault {
  readonly name: string
  readonly message: string
  readonly code?: string | undefined
}

/** Every call there is. Whatever is not here can't be called. */
export const CALLS = {
  'instances.put': ({ instances }) => instances.put,
  'instances.amend': ({ instances }) => instances.amend,
  'instances.renew': ({ instances }) => instances.renew,
  'instances.release': ({ instances }) => instances.release,
  'instances.drain': ({ instances }) => instances.drain,
  'instances.forget': ({ instances }) => instances.forget,
  'instances.rerank': ({ instances }) => instances.rerank,
  'instances.look': ({ instances }) => instances.look,
  'identity.users.find': ({ identity }) => identity.users.find,
  'identity.users.list': ({ identity }) => identity.users.list,
  'identity.users.put': ({ identity }) => identity.users.put,
  'identity.users.remove': ({ identity }) => identity.users.remove,
  'identity.links.linked': ({ identity }) => identity.links.linked,
  'identity.links.link': ({ identity }) => identity.links.link,
  'identity.links.unlink': ({ identity }) => identity.links.unlink,
  'identity.revocations.add': ({ identity }) => identity.revocations.add,
  'identity.revocations.since': ({ identity }) => identity.revocations.since,
  'identity.keyRing.load': ({ identity }) => identity.keyRing.load,
  'identity.keyRing.save': ({ identity }) => identity.keyRing.save,
  'identity.revision': ({ identity }) => identity.revision,
  'mailboxes.open': ({ mailboxes }) => mailboxes.open,
  'mailboxes.append': ({ mailboxes }) => mailboxes.append,
  'mailboxes.read': ({ mailboxes }) => mailboxes.read,
  'mailboxes.acknowledge': ({ mailboxes }) => mailboxes.acknowledge,
  'mailboxes.leave': ({ mailboxes }) => mailboxes.leave,
  'mailboxes.remove': ({ mailboxes }) => mailboxes.remove,
  'mailboxes.told': ({ mailboxes }) => mailboxes.told,
  'bus.publish': ({ bus }) => bus.publish,
  'nodes.beat': ({ nodes }) => nodes.beat,
  'nodes.leave': ({ nodes }) => nodes.leave,
  'nodes.list': ({ nodes }) => nodes.list,
  // biome-ignore lint/suspicious/noExplicitAny: the parameters of each are its own
} as const satisfies Record<string, (store: Store) => (...args: any[]) => Promise<unknown>>

export type CallName = keyof typeof CALLS

/** The function behind a name. */
export type CallOf<Name extends CallName> = ReturnType<(typeof CALLS)[Name]>

/** Whether a message is one of ours, well formed or not. */
export function isOurs(message: unknown): message is { readonly hydraStore: unknown } {
  return typeof message === 'object' && message !== null && Object.hasOwn(message, 'hydraStore')
}

/** What a client asks; undefined when it is malformed, or said by the other side. */
export function parseAsked(message: { readonly hydraStore: unknown }): Asked | undefined {
  const { hydraStore, id, call, args, topic } = message as Record<string, unknown>
  switch (hydraStore) {
    case 'hello':
      return { hydraStore }
    case 'call':
      if (typeof id !== 'string' || typeof call !== 'string' || !Array.isArray(args)) return undefined
      return Object.hasOwn(CALLS, call) ? { hydraStore, id, call: call as CallName, args } : undefined
    case 'listen':
    case 'unlisten':
      return typeof topic === 'string' ? { hydraStore, topic } : undefined
    default:
      return undefined
  }
}

/** What the side with the store says; undefined when it is malformed. */
export function parseTold(message: { readonly hydraStore: unknown }): Told | undefined {
  const { hydraStore, id, fault, of, topic, text, isReachable, forMs, value, ...more } = message as Record<
    string,
    unknown
  >
  const isReached = typeof isReachable === 'boolean' && typeof forMs === 'number'
  switch (hydraStore) {
    case 'facts': {
      const { place, isShared, peoplePlace, isLasting } = more
      const isWhole = typeof place === 'string' && typeof peoplePlace === 'string'
      if (!isReached || !isWhole || typeof isShared !== 'boolean' || typeof isLasting !== 'boolean')
        return undefined
      return { hydraStore, isReachable, forMs, place, isShared, peoplePlace, isLasting }
    }
    case 'answer':
      return typeof id === 'string' ? { hydraStore, id, value } : undefined
    case 'fault':
      return typeof id === 'string' && isFault(fault) ? { hydraStore, id, fault } : undefined
    case 'hint':
      return of === 'instances' || of === 'identity' ? { hydraStore, of } : undefined
    case 'reach':
      return isReached ? { hydraStore, isReachable, forMs } : undefined
    case 'message':
      return typeof topic === 'string' && typeof text === 'string' ? { hydraStore, topic, text } : undefined
    default:
      return undefined
  }
}

function isFault(fault: unknown): fault is Fault {
  if (typeof fault !== 'object' || fault === null) return false
  const { name, message } = fault as Record<string, unknown>
  return typeof name === 'string' && typeof message === 'string'
}

export function faultOf(error: unknown): Fault {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
  const { name, message, code } = error as NodeJS.ErrnoException
  return { name, message, ...(typeof code === 'string' ? { code } : {}) }
}

/** The error a fault was made of, as far as anybody asks what it is. */
export function errorOf({ name, message, code }: Fault): Error {
  if (name === 'StoreAway') return new StoreAway(message)
  if (name === 'RangeError') return new RangeError(message)
  return Object.assign(new Error(message), { name, ...(code === undefined ? {} : { code }) })
}
