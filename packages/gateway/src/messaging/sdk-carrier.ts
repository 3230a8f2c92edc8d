/**
 * Brings messages to services that keep a line: by the line when it ends here, and over the bus to the node it ends at.
 *
 * The other node answers what became of a message. While there is no answer it is not known whether it arrived, and nobody
 * tries again: the bus may say a thing twice, but a message is handed over once.
 *
 * @module
 */
import { readUmf, toShort, type UmfMessage } from '@hydra-gateway/protocol/umf'
import type { ServiceTokens } from '../identity/port.ts'
import { setNewest } from '../newest.ts'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { Instance } from '../routing/upstream.ts'
import type { Bus } from '../store/bus/port.ts'
import type { KnownServices } from './known-services.ts'
import {
  type InstanceCarrier,
  type MessageFault,
  MessageProblem,
  type Sender,
  type SenderFacts,
} from './port.ts'

export interface SdkCarrier extends InstanceCarrier {
  /** Messages other nodes were given and have not answered. */
  readonly underWay: number
  close(): void
}

export interface SdkCarrierDeps {
  readonly node: string
  readonly services: Pick<KnownServices, 'member'>
  /** The channel's: by a line that ends here. */
  readonly lines: {
    lineOf(instanceId: string): unknown
    deliver(instanceId: string, message: UmfMessage, sender: SenderFacts): Promise<void>
  }
  readonly bus: Bus
  /** Whether a node says that it is there. @default nobody knows */
  readonly isNodeThere?: ((node: string) => boolean) | undefined
  /** What services are told of people. @default nobody signs in */
  readonly tokens?: Pick<ServiceTokens, 'tokenFor'> | undefined
  readonly settings?: SdkCarrierSettings
  readonly newId: () => string
  readonly clock: Pick<Clock, 'after' | 'now'>
  readonly log: Log
}

/** Read where they are used, as they may change meanwhile. */
export interface SdkCarrierSettings {
  /** Until another node has to have answered. @default 5000 */
  readonly callTimeoutMs?: number
  /** Messages that may wait for answers of other nodes; above: `throttled`. @default 4096 */
  readonly maxUnderWay?: number
  /** The same in bytes. @default 32 MiB */
  readonly maxBytesUnderWay?: number
}

/** Messages of other nodes that are remembered, so that none is handed over twice. */
const MOST_REMEMBERED = 10_000

/** How long a node has to answer that does not say it is there. */
const UNLISTED_MS = 1000

/** Nobody told who sends: a word that anybody may have said. */
const UNKNOWN: SenderFacts = { kind: 'service', isHearsay: true }

interface Waiting {
  settle(problem: MessageProblem | undefined): void
}

export function createSdkCarrier(deps: SdkCarrierDeps): SdkCarrier {
  const { node, services, lines, bus, tokens, settings = {}, newId, clock, log } = deps
  const { isNodeThere = () => true } = deps
  const waiting = new Map<string, Waiting>()
  let bytesUnderWay = 0
  /** What became of messages of other nodes, the oldest first. */
  const handed = new Map<string, Promise<string>>()
  let isAway = false

  // ---- to another node ----------------------------------------------------------------------------------

  async function deliverElsewhere(
    instance: Instance,
    message: UmfMessage,
    sender: SenderFacts,
  ): Promise<void> {
    const there = services.member(instance.service, instance.id)?.node
    if (there === undefined || there === node)
      throw new MessageProblem(
        'no-instance',
        `the instance ${instance.id} of ${instance.service} has no line`,
      )
    const { callTimeoutMs = 5000, maxUnderWay = 4096, maxBytesUnderWay = 32 * 2 ** 20 } = settings
    const id = newId()
    const asked: Asked = {
      kind: 'message',
      id,
      node,
      instance: instance.id,
      message: toShort(message),
      sender,
    }
    const text = JSON.stringify(asked)
    const bytes = Buffer.byteLength(text)
    if (waiting.size >= maxUnderWay || bytesUnderWay + bytes > maxBytesUnderWay)
      throw new MessageProblem('throttled', 'too many messages wait for other nodes')
    bytesUnderWay += bytes
    let stopTimer = (): void => {}
    try {
      const answered = new Promise<void>((resolve, reject) => {
        waiting.set(id, { settle: (problem) => (problem ? reject(problem) : resolve()) })
        // A node that has just come is not listed yet, and one that died may still be named by its instances.
        const withinMs = isNodeThere(there) ? callTimeoutMs : Math.min(callTimeoutMs, UNLISTED_MS)
        stopTimer = clock.after(withinMs, () =>
          reject(new MessageProblem('timeout', 'the node the service is at did not answer in time')),
        )
      })
      // Both may fail, and the first is told.
      answered.catch(() => {})
      await publish(there, text)
      await answered
    } finally {
      stopTimer()
      waiting.delete(id)
      bytesUnderWay -= bytes
    }
  }

  async function publish(to: string, text: string): Promise<void> {
    try {
      await bus.publish(topicOf(to), text)
      if (isAway) log.info('other nodes can be reached again: messages go to services there')
      isAway = false
    } catch (cause) {
      if (!isAway)
        log.warn({ err: cause }, 'other nodes can not be reached: messages to services there are refused')
      isAway = true
      throw new MessageProblem('store-away', 'other nodes can not be reached just now')
    }
  }

  // ---- from another node --------------------------------------------------------------------------------

  /** The answer to a message, as text; for one that came before the same again, handed over once. */
  function handOver({ id, instance, message, sender }: Asked): Promise<string> {
    const before = handed.get(id)
    if (before) return before
    const become = async (): Promise<string> => {
      let answer: Answered
      try {
        const read = readUmf(message, { now: clock.now, newId, mayLackFrom: true })
        await lines.deliver(instance, read, sender)
        answer = { kind: 'answer', id, ok: true }
      } catch (error) {
        const { fault, reason } = problemOf(error)
        if (fault === 'broken' && !(error instanceof MessageProblem))
          log.error({ err: error, instance }, 'a message of another node could not be handed over')
        answer = { kind: 'answer', id, ok: false, fault, reason }
      }
      return JSON.stringify(answer)
    }
    const promise = become()
    setNewest(handed, id, promise, MOST_REMEMBERED)
    return promise
  }

  const stopListening = bus.listen(topicOf(node), (text) => {
    const said = read(text)
    if (said?.kind === 'answer') {
      waiting
        .get(said.id)
        ?.settle(
          said.ok ? undefined : new MessageProblem(said.fault ?? 'broken', said.reason ?? 'it failed there'),
        )
    } else if (said) {
      void handOver(said)
        .then((answer) => publish(said.node, answer))
        // Whoever waits gets a timeout, and that the store is away was logged.
        .catch(() => {})
    }
  })

  return {
    get underWay() {
      return waiting.size
    },
    carries: ({ channel, takesMessages }) => channel === 'rsocket' && takesMessages === true,
    async deliver(instance, message, sender) {
      const facts = await factsOf(sender, instance, tokens)
      if (lines.lineOf(instance.id)) await lines.deliver(instance.id, message, facts)
      else await deliverElsewhere(instance, message, facts)
    },
    close() {
      stopListening()
      for (const { settle } of [...waiting.values()])
        settle(new MessageProblem('broken', 'the gateway stops'))
    },
  }
}

/** What a service is told of a sender: with a token made for it when somebody is signed in. */
async function factsOf(
  sender: Sender | undefined,
  instance: Instance,
  tokens: SdkCarrierDeps['tokens'],
): Promise<SenderFacts> {
  if (sender === undefined) return UNKNOWN
  if (sender.kind === 'service') {
    const { service, instance: id, isHearsay } = sender
    return { kind: 'service', service, instance: id, ...(isHearsay ? { isHearsay } : {}) }
  }
  const token = sender.caller && (await tokens?.tokenFor(sender.caller, instance))
  return {
    kind: sender.kind,
    ...(sender.kind === 'client' ? { id: sender.id } : {}),
    ...(token === undefined ? {} : { token }),
  }
}

// ---- over the bus ---------------------------------------------------------------------------------------------

interface Asked {
  readonly kind: 'message'
  readonly id: string
  /** That waits for the answer. */
  readonly node: string
  readonly instance: string
  readonly message: unknown
  readonly sender: SenderFacts
}

interface Answered {
  readonly kind: 'answer'
  readonly id: string
  readonly ok: boolean
  readonly fault?: MessageFault
  readonly reason?: string
}

function topicOf(node: string): string {
  return `services:${node}`
}

/** What another node said; undefined when it is none of it. */
function read(text: string): Asked | Answered | undefined {
  try {
    const said = JSON.parse(text) as Readonly<Record<string, unknown>> | null
    if (typeof said?.id !== 'string') return undefined
    if (said.kind === 'answer') return said as unknown as Answered
    const isWhole = typeof said.node === 'string' && typeof said.instance === 'string' && said.sender
    return isWhole ? (said as unknown as Asked) : undefined
  } catch {
    return undefined
  }
}

function problemOf(error: unknown): { fault: MessageFault; reason: string } {
  if (error instanceof MessageProblem) return { fault: error.fault, reason: error.message }
  return { fault: 'broken', reason: 'the message could not be handed over' }
}
