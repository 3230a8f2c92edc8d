/**
 * What the router API is given: messages to be called with, sent, queued, or appended to a stream (`flywheel.md` 4).
 *
 * @module
 */

import { serviceNameProblem } from '@hydra-gateway/protocol'
import {
  checkCall,
  parseAddress,
  ROUTER_SERVICE,
  type UmfAddress,
  UmfError,
  type UmfMessage,
} from '@hydra-gateway/protocol/umf'
import type { FlywheelNetwork } from '../channels/flywheel/port.ts'
import {
  type Called,
  type MessageFault,
  MessageProblem,
  type Messenger,
  type Permit,
  type Sender,
} from '../messaging/port.ts'
import type { Clock } from '../observe/clock.ts'
import type { NewNames } from './new-names.ts'
import { type RouterApiSettings, routerApiDefaults } from './settings.ts'

export interface PostsDeps {
  readonly settings: Pick<RouterApiSettings, 'sendWaitMs'>
  readonly network: FlywheelNetwork | undefined
  readonly messenger: Messenger
  /** Whether somebody may send a message to a service: for queues, which the messenger knows nothing of. @default everybody */
  readonly permit?: Permit | undefined
  /** Whether a service is there, or was: its queue is nobody's to make. */
  readonly isService: (name: string) => boolean
  /** Of unknown services, and of streams: shared by all that make them. */
  readonly newQueues: NewNames
  readonly newStreams: NewNames
  /** Answers calls to the router itself, with JSON. */
  readonly ownCall: (path: string) => Promise<string>
  readonly clock: Pick<Clock, 'after'>
}

/** Status of an answer, and what stands in its `result`; `text` where that is JSON already. */
export interface Answered {
  readonly status: number
  readonly result: unknown
  readonly text?: string
}

/** All of them reject with a UmfError or a MessageProblem. */
export interface Posts {
  message(message: UmfMessage, sender: Sender): Promise<Answered>
  send(message: UmfMessage, sender: Sender): Promise<Answered>
  queue(message: UmfMessage, sender: Sender): Promise<Answered>
  stream(name: string, message: UmfMessage, sender: Sender): Promise<Answered>
}

/** What the original never told, as it had answered by then. */
const NEVER_TOLD: ReadonlySet<MessageFault> = new Set([
  'unknown-service',
  'no-instance',
  'unknown-client',
  'mail-full',
  'store-away',
  'timeout',
  'broken',
])

const NO_REDIS = 'queues and streams are kept in Redis, and there is none (HYDRA_REDIS_URL)'
const REDIS_AWAY = 'queues and streams are kept in Redis, which can not be reached'

const STREAM_NAME = /^[^\0-\x20\x7f]{1,256}$/

export function createPosts(deps: PostsDeps): Posts {
  const { settings, network, messenger, permit, isService, newQueues, newStreams, ownCall, clock } = deps

  async function call(message: UmfMessage, sender: Sender): Promise<Answered> {
    const { service, path } = checkCall(message)
    if (service === ROUTER_SERVICE) return { status: 200, result: null, text: await ownCall(path) }
    return answeredBy(await messenger.call(message, sender))
  }

  /** Redis, for who may write to it. */
  function redis(): FlywheelNetwork {
    if (!network) throw new MessageProblem('store-away', NO_REDIS)
    if (!network.isReachable) throw new MessageProblem('store-away', REDIS_AWAY)
    return network
  }

  const posts: Posts = {
    async message(message, sender) {
      const { forward, ...rest } = message
      // The way an answer takes is ours to say.
      if (forward) return call({ ...rest, to: forward }, sender)
      const { method } = readAddress(message.to, message.mid)
      return method === undefined ? posts.send(message, sender) : call(message, sender)
    },
    async send(message, sender) {
      const { mid, to } = message
      readAddress(to, mid)
      if (message.forward) readAddress(message.forward, mid)
      const { sendWaitMs = routerApiDefaults.sendWaitMs } = settings
      let stop = (): void => {}
      const late = new Promise<undefined>((resolve) => {
        stop = clock.after(sendWaitMs, () => resolve(undefined))
      })
      const sent = await Promise.race([messenger.send(message, sender), late]).finally(() => stop())
      if (sent && !sent.ok && !NEVER_TOLD.has(sent.fault)) throw new MessageProblem(sent.fault, sent.reason)
      return { status: 200, result: { mid } }
    },
    async queue(message, sender) {
      const address = readAddress(message.to, message.mid)
      const problem = serviceNameProblem(address.service)
      if (problem) throw new UmfError(problem, message.mid)
      const refused = permit?.(message, address, sender)
      if (refused) throw new MessageProblem(refused.fault, refused.reason)
      const { service } = address
      const flywheel = redis()
      if (!isService(service) && !newQueues.admits(service))
        throw new MessageProblem('mail-full', `no more queues of services that were never there: ${service}`)
      await flywheel.queue(service, message)
      return { status: 200, result: { mid: message.mid } }
    },
    async stream(name, message) {
      if (!STREAM_NAME.test(name)) throw new UmfError('a stream needs a name without spaces', message.mid)
      const flywheel = redis()
      // Those that are there already make nothing new.
      const id = await flywheel.append(name, message, { mayMake: newStreams.admits(name) })
      if (id === undefined) throw new MessageProblem('mail-full', 'there are as many streams as may be')
      return { status: 200, result: { id } }
    },
  }
  return posts
}

function readAddress(text: string, mid: string): UmfAddress {
  try {
    return parseAddress(text)
  } catch (error) {
    throw error instanceof UmfError ? new UmfError(error.message, mid) : error
  }
}

/** `result` of an answer; where its JSON has none, all of it. */
function answeredBy({ status, body, isJson }: Called): Answered {
  const has = isJson && typeof body === 'object' && body !== null && Object.hasOwn(body, 'result')
  return { status, result: has ? (body as { result: unknown }).result : (body ?? {}) }
}
