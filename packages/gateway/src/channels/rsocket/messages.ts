/**
 * `hydra.message`, `hydra.push` and `hydra.find`: a service sends messages by its line, and gets those for it.
 *
 * Who sends is the instance the line speaks for, whatever the message says of it. An answer says what became of a message,
 * never throws it back: `{ ok: true, when, mid }`, `{ ok: false, fault, reason, mid }`; of an address with a method also
 * `status`, `headers` and `body`.
 *
 * @module
 */
import {
  ERROR_CODES,
  isUnknownRoute,
  MOST_PUSHED,
  type Peer,
  PUSHED_AS_ONE,
  PUSHED_ID,
  ROUTES,
  type RSocketError,
} from '@hydra-gateway/protocol/rsocket'
import {
  CLIENT_SERVICE,
  formatAddress,
  parseAddress,
  readUmf,
  toShort,
  UmfError,
  type UmfMessage,
} from '@hydra-gateway/protocol/umf'
import { HydraError } from '../../errors.ts'
import { clientOf } from '../../messaging/addressed.ts'
import {
  type MessageFault,
  MessageProblem,
  type SenderFacts,
  type ServiceDesk,
} from '../../messaging/port.ts'
import type { Clock } from '../../observe/clock.ts'
import { createPushOrder } from './push-order.ts'

export interface MessageSettings {
  /** Largest message. @default `maxFrameBytes` */
  readonly maxMessageBytes?: number
  /** Messages one line may have under way in each direction; above: `throttled`. @default 512 */
  readonly maxMessages?: number
  /** Bytes that may wait for a service to read them; above: `throttled`. @default 8 MiB */
  readonly maxPendingBytes?: number
  /** Until a service has to have taken a message; read for each. @default 5000 */
  readonly takeTimeoutMs?: number
}

export const MESSAGE_DEFAULTS = {
  maxMessages: 512,
  maxPendingBytes: 8 * 1024 * 1024,
  takeTimeoutMs: 5000,
} as const satisfies MessageSettings

/** What a push may have beside its message: ids of clients, with quotes and commas. */
export const PUSHED_BYTES: number = MOST_PUSHED * 67 + 1024

// ---- from a service -----------------------------------------------------------------------------------------

export interface ServiceMessages {
  /** What is larger than a message may be never gets here. */
  send(data: unknown): Promise<unknown>
  /** One message for many clients: `{ message, clients }`. */
  push(data: unknown): Promise<unknown>
  find(data: unknown): unknown
}

export interface ServiceMessagesDeps {
  readonly desk: ServiceDesk | undefined
  /** Whom the line speaks for. */
  readonly speaker: () => { readonly service: string; readonly instance: string } | undefined
  readonly settings: Required<MessageSettings>
  readonly clock: Pick<Clock, 'now'>
  readonly newId: () => string
}

export function createServiceMessages(deps: ServiceMessagesDeps): ServiceMessages {
  const { settings, clock, newId } = deps
  const source = { now: clock.now, newId, mayLackFrom: true }
  const order = createPushOrder()
  let underWay = 0

  const speaking = () => {
    const { desk } = deps
    const speaker = deps.speaker()
    if (!desk) throw new HydraError('HYDRA_NOT_IMPLEMENTED', 'nobody carries messages here')
    if (!speaker) throw new HydraError('HYDRA_UNAUTHORIZED', 'this channel speaks for no instance')
    return { desk, speaker }
  }

  async function send(data: unknown): Promise<unknown> {
    const { desk, speaker } = speaking()
    const { service, instance } = speaker
    const sender = { kind: 'service', service, instance } as const
    let message: UmfMessage
    try {
      message = from(readUmf(data, source), speaker)
    } catch (error) {
      if (error instanceof UmfError) return failed('invalid', error.message, error.rmid)
      throw error
    }
    const { mid } = message
    try {
      const to = parseAddress(message.to)
      if (to.method === undefined) {
        const client = order.isIdle ? undefined : clientOf(message, to)
        const behind = client === undefined ? undefined : order.behind(client)
        if (behind) await behind
        return await desk.messenger.send(message, sender)
      }
      const { status, headers, body, isJson } = await desk.messenger.call(message, sender)
      return { ok: true, when: 'now', mid, status, headers, body, isJson }
    } catch (error) {
      if (error instanceof UmfError) return failed('invalid', error.message, mid)
      if (error instanceof MessageProblem) return failed(error.fault, error.message, mid)
      throw error
    }
  }

  async function push(data: unknown, clients: ReadonlySet<string>): Promise<unknown> {
    const { desk, speaker } = speaking()
    const { service, instance } = speaker
    const { message: said } = data as { message?: unknown }
    let message: UmfMessage
    try {
      const all = typeof said === 'object' ? { ...said, to: `${CLIENT_SERVICE}:/` } : said
      message = from(readUmf(all, source), speaker)
    } catch (error) {
      if (error instanceof UmfError) return failed('invalid', error.message, error.rmid)
      throw error
    }
    const pushed = await order.push(clients, (onBegun) =>
      desk.messenger.push(message, clients, { kind: 'service', service, instance }, onBegun),
    )
    return { ok: true, mid: message.mid, ...pushed }
  }

  /** Does what counts as so many messages, unless that would be too many under way. */
  async function counted(count: number, work: () => Promise<unknown>): Promise<unknown> {
    if (underWay > 0 && underWay + count > settings.maxMessages)
      return failed('throttled', `a line may have ${settings.maxMessages} messages under way`)
    underWay += count
    try {
      return await work()
    } finally {
      underWay -= count
    }
  }

  return {
    send: (data) => counted(1, () => send(data)),
    async push(data) {
      const named = (data as { clients?: unknown } | null)?.clients
      if (!Array.isArray(named) || named.length > MOST_PUSHED || !named.every(isClientId))
        return failed('invalid', `clients is a list of at most ${MOST_PUSHED} ids of clients`)
      return counted(Math.ceil(named.length / PUSHED_AS_ONE), () => push(data, new Set(named)))
    },
    find(data) {
      const { desk } = speaking()
      const named = (data as { service?: unknown } | null)?.service
      if (typeof named !== 'string' || named === '')
        throw new HydraError('HYDRA_BAD_REQUEST', 'service is the name of a service')
      return { instances: desk.find(named) }
    },
  }
}

const isClientId = (id: unknown): id is string => typeof id === 'string' && PUSHED_ID.test(id)

/** The message as one of the instance: only the path is its own word. */
function from(message: UmfMessage, { service, instance }: { service: string; instance: string }): UmfMessage {
  const { path } = message.from === '' ? { path: '/' } : parseAddress(message.from)
  return { ...message, from: formatAddress({ service, instance, path }) }
}

function failed(fault: MessageFault, reason: string, mid = ''): unknown {
  return { ok: false, fault, reason, mid }
}

// ---- to a service -------------------------------------------------------------------------------------------

export interface Deliveries {
  /**
   * Gives a message to an instance with a line here; resolves once its application has it.
   *
   * @throws MessageProblem
   */
  deliver(instanceId: string, message: UmfMessage, sender: SenderFacts): Promise<void>
}

export interface DeliveriesDeps {
  readonly lineOf: (instanceId: string) => Peer | undefined
  readonly settings: Required<MessageSettings>
}

export function createDeliveries({ lineOf, settings }: DeliveriesDeps): Deliveries {
  const underWay = new WeakMap<Peer, number>()

  return {
    async deliver(instanceId, message, sender) {
      const line = lineOf(instanceId)
      if (!line) throw new MessageProblem('no-instance', `the instance ${instanceId} has no line here`)
      const count = underWay.get(line) ?? 0
      if (count >= settings.maxMessages || line.pendingBytes() > settings.maxPendingBytes)
        throw new MessageProblem('throttled', 'the service does not take messages as fast as they come')
      underWay.set(line, count + 1)
      try {
        const data = { ...toShort(message), sender }
        const answer = await line
          .request(ROUTES.message, data, settings.takeTimeoutMs)
          .catch((error: RSocketError) => {
            throw problemOf(error, line)
          })
        taken(answer)
      } finally {
        underWay.set(line, (underWay.get(line) ?? 1) - 1)
      }
    },
  }
}

const FAULTS: ReadonlySet<unknown> = new Set<MessageFault>([
  'no-instance',
  'throttled',
  'too-large',
  'invalid',
  'broken',
])
const MOST_REASON = 200

/** Whether a service took it, by its answer. */
function taken(answer: unknown): void {
  const { ok, fault, reason } = (answer ?? {}) as { ok?: unknown; fault?: unknown; reason?: unknown }
  if (ok === true) return
  const why = typeof reason === 'string' ? reason.slice(0, MOST_REASON) : 'the service did not take it'
  throw new MessageProblem(FAULTS.has(fault) ? (fault as MessageFault) : 'broken', why)
}

function problemOf(error: RSocketError, line: Peer): MessageProblem {
  if (isUnknownRoute(error)) return new MessageProblem('no-instance', 'the instance takes no messages')
  if (error.problem === 'HYDRA_TOO_LARGE')
    return new MessageProblem('too-large', 'the message is larger than the service takes')
  if (error.code === ERROR_CODES.REJECTED || error.problem === 'HYDRA_OVERLOADED')
    return new MessageProblem('throttled', 'the service has too much to do')
  if (error.code === ERROR_CODES.CANCELED && line.isOpen())
    return new MessageProblem('timeout', 'the service did not take the message in time')
  return new MessageProblem(
    'broken',
    'the line to the service was lost: whether it has the message is not known',
  )
}
