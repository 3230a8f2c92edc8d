/**
 * The messenger: brings messages to services and clients, wherever they are (`flywheel.md` 5.2, 5.3). It believes nothing a
 * message says of its sender, and keeps nothing: answers find their way by `via`, and whoever asked knows them by `rmid`.
 *
 * @module
 */
import {
  CLIENT_SERVICE,
  checkCall,
  formatUmf,
  parseAddress,
  ROUTER_SERVICE,
  type UmfMessage,
  umfWriter,
} from '@hydra-gateway/protocol/umf'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { MessageCounts } from '../observe/message-counts.ts'
import { cameFromClient, clientOf, clientOfRelayed, pinnedId, serviceOfRelayed } from './addressed.ts'
import type { ClientIds } from './client-ids.ts'
import type { LocalClients, Resuming } from './client-session.ts'
import { failureOf, isExpected } from './faults.ts'
import { deliverToMany } from './many.ts'
import {
  type ClientMail,
  MessageProblem,
  type OwnCalls,
  type Peers,
  type Sender,
  type Sent,
  type ServiceMessenger,
} from './port.ts'
import { clientAddress } from './router-words.ts'
import type { ServiceDelivery } from './service-delivery.ts'

export interface MessengerDeps {
  readonly routerId: string
  /** Brings a message to a service (`service-delivery.ts`). */
  readonly toService: ServiceDelivery
  readonly calls: OwnCalls
  readonly ids: Pick<ClientIds, 'read'>
  readonly locals: Pick<LocalClients, 'get'>
  readonly peers: Pick<Peers, 'whereIs' | 'deliver' | 'manyAt'>
  readonly mail: Pick<ClientMail, 'put' | 'has'>
  /** @default no client resumes */
  readonly resuming?: Pick<Resuming, 'deliver'> | undefined
  /** Something was kept for a client, which may have come back a moment ago. */
  readonly onMailed: (client: string) => void
  /** How long a call to a service may take, ms. */
  readonly callTimeoutOf: (service: string) => number
  readonly counts: Pick<MessageCounts, 'came' | 'left' | 'failed' | 'queued'>
  readonly clock: Pick<Clock, 'monotonic'>
  readonly log: Pick<Log, 'error'>
}

/** A messenger with the doors that only routers use. */
export interface NodeMessenger extends ServiceMessenger {
  /** A message that came by Redis for this router: an answer, or one for a client. Never rejects. */
  receive(message: UmfMessage): Promise<Sent>
  /** A message another node of ours has for a client it believes here. Never rejects. */
  receiveForClient(client: string, message: UmfMessage): Promise<Sent>
  /** One that another node has for many clients. */
  receiveForMany(clients: readonly string[], message: UmfMessage): void
}

/** How a message gets to a client. */
interface ClientWay {
  /** Who sends it may know clients this router does not. */
  readonly isTrusting: boolean
  /** Another router of ours believed the client here; it is not sent on again. */
  readonly isRelayed: boolean
  /** The message, where it is written already. */
  readonly text?: string
  /** The message as it is kept for a client that is away. @default as it is handed over */
  readonly kept?: UmfMessage
  /** Brings it to another router. */
  readonly bring?: (router: string, client: string) => Promise<void>
}

export function createMessenger(deps: MessengerDeps): NodeMessenger {
  const { routerId, toService, calls, ids, locals, peers, mail, resuming } = deps
  const { onMailed, callTimeoutOf, counts, clock, log } = deps

  /** What became of a message that is being sent. Never rejects: a failure is counted, and logged where nobody expects it. */
  async function settled(mid: string, sending: Promise<'now' | 'later'>): Promise<Sent> {
    try {
      return { ok: true, when: await sending, mid }
    } catch (error) {
      if (!isExpected(error)) log.error({ err: error, mid }, 'a message could not be delivered')
      const failed = failureOf(error, mid)
      counts.failed(failed.fault)
      return failed
    }
  }

  async function toClient(
    client: string,
    message: UmfMessage,
    { isTrusting, isRelayed, text, kept = message, bring = bringTo(message) }: ClientWay,
  ): Promise<'now' | 'later'> {
    const local = locals.get(client)
    if (local) {
      try {
        const when = await local.deliver(message, text)
        counts.left('client')
        return when
      } catch (error) {
        if (local.kind === 'resuming' || !isGone(error)) throw error
      }
    }
    // Not before: to check an id costs as much as to bring a message to somebody who is here.
    const known = ids.read(client)
    if (known?.kind === 'resuming') {
      if (!resuming) throw new MessageProblem('unknown-client', unknownClient(client))
      const when = await resuming.deliver(client, message, text)
      counts.left('client')
      return when
    }
    const router = isRelayed ? undefined : peers.whereIs(client)
    if (router !== undefined && router !== routerId) {
      try {
        await bring(router, client)
        counts.left('router')
        return 'now'
      } catch (error) {
        if (!isExpected(error)) throw error
      }
    }
    if (!known && !isTrusting && !(await mail.has?.(client)))
      throw new MessageProblem('unknown-client', unknownClient(client))
    await mail.put(client, text ?? formatUmf(kept))
    counts.queued()
    onMailed(client)
    return 'later'
  }

  const bringTo = (message: UmfMessage) => (router: string, client: string) =>
    peers.deliver(router, { ...message, forward: message.forward || clientAddress(client) })

  /** Gathers what goes to clients of the same router, until it is told to go. */
  function createGathering(message: UmfMessage) {
    const waiting = new Map<string, { clients: string[]; left: PromiseWithResolvers<void> }>()
    return {
      bring(router: string, client: string): Promise<void> {
        if (!peers.manyAt?.(router)) return bringTo({ ...message, to: clientAddress(client) })(router, client)
        let group = waiting.get(router)
        if (!group) {
          group = { clients: [], left: Promise.withResolvers() }
          waiting.set(router, group)
        }
        group.clients.push(client)
        return group.left.promise
      },
      flush(): void {
        for (const [router, { clients, left }] of waiting) {
          const bring = peers.manyAt?.(router)
          if (bring) bring(clients, message).then(left.resolve, left.reject)
          else left.reject(new MessageProblem('unknown-client', 'the node of these clients is gone'))
        }
        waiting.clear()
      },
    }
  }

  async function send(message: UmfMessage, sender: Sender): Promise<'now' | 'later'> {
    const to = parseAddress(message.to)
    if (to.service !== CLIENT_SERVICE && to.service !== ROUTER_SERVICE) return toService(message, to, sender)
    const client = clientOf(message, to)
    if (client === undefined)
      throw new MessageProblem('invalid', 'the message is for a router and names no client')
    const kept = withoutVia(message)
    // What one client sends another comes from this router, as far as the other can see.
    const seen =
      sender.kind === 'client'
        ? {
            ...kept,
            to: (to.service === ROUTER_SERVICE && message.forward) || message.to,
            via: `${routerId}@${ROUTER_SERVICE}:/`,
          }
        : kept
    return toClient(client, seen, { isTrusting: false, isRelayed: false })
  }

  /** What came by Redis for this router. */
  async function relayed(message: UmfMessage): Promise<'now' | 'later'> {
    const service = serviceOfRelayed(message)
    if (service !== undefined) {
      const said = parseAddress(message.from || `${ROUTER_SERVICE}:/`)
      const sender = { service: said.service, instance: said.instance ?? '', isHearsay: true } as const
      const to = message.forward!
      return toService({ ...message, to }, parseAddress(to), { kind: 'service', ...sender })
    }
    const client = clientOfRelayed(message)
    if (client === undefined) throw new MessageProblem('invalid', 'the message names no client')
    const { via } = message
    const seen =
      via !== undefined && cameFromClient(via)
        ? { ...message, to: message.forward || message.to }
        : withoutVia(message)
    // Who may write to Redis may write to the mail as well. There it lies as it came, `via` and all: originals read it too.
    return toClient(client, seen, { isTrusting: true, isRelayed: false, kept: { ...seen, via } })
  }

  return {
    send(message, sender) {
      counts.came(sender.kind)
      return settled(message.mid, send(message, sender))
    },
    push({ via: _, forward: _f, ...message }, clients, sender, onBegun) {
      const { mid } = message
      const write = umfWriter(message)
      const { bring, flush } = createGathering(message)
      return deliverToMany(clients, {
        deliver(client) {
          counts.came(sender.kind)
          const to = clientAddress(client)
          const way = { isTrusting: false, isRelayed: false, text: write(to), bring }
          return settled(mid, toClient(client, { ...message, to }, way))
        },
        flush,
        onBegun,
        clock,
      })
    },
    async call(message, sender) {
      counts.came(sender.kind)
      try {
        const { service, method, path, ...to } = checkCall(message)
        const called = await calls.call({
          service,
          instance: pinnedId(message, { service, path, ...to }),
          method: method.toUpperCase(),
          path,
          headers: {
            ...message.headers,
            ...(message.authorization ? { authorization: message.authorization } : {}),
          },
          body: message.body,
          caller: sender.kind === 'service' ? undefined : sender.caller,
          address: sender.kind === 'service' ? undefined : sender.address,
          timeoutMs: callTimeoutOf(service),
        })
        counts.left('service')
        return called
      } catch (error) {
        if (!isExpected(error)) log.error({ err: error, mid: message.mid }, 'a call failed')
        const { fault, reason } = failureOf(error, message.mid)
        counts.failed(fault)
        throw error instanceof MessageProblem ? error : new MessageProblem(fault, reason)
      }
    },
    receive(message) {
      counts.came('router')
      return settled(message.mid, relayed(message))
    },
    receiveForClient(client, message) {
      counts.came('router')
      return settled(message.mid, toClient(client, message, { isTrusting: true, isRelayed: true }))
    },
    receiveForMany(clients, message) {
      const write = umfWriter(message)
      for (const client of clients) {
        const to = clientAddress(client)
        const way = { isTrusting: true, isRelayed: true, text: write(to, to) }
        counts.came('router')
        void settled(message.mid, toClient(client, { ...message, to, forward: to }, way))
      }
    },
  }
}

/** To take a member away costs more than to look whether it is there. */
function withoutVia(message: UmfMessage): UmfMessage {
  if (message.via === undefined) return message
  const { via: _, ...kept } = message
  return kept
}

const unknownClient = (client: string): string => `no client is called ${client.slice(0, 64)}`

function isGone(error: unknown): boolean {
  return error instanceof MessageProblem && error.fault === 'unknown-client'
}
