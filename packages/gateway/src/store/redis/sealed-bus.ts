/**
 * Seals what nodes tell each other over Redis: who shares the Redis reads no messages there, and can say nothing in the
 * name of a node, such as who sends a message. Nor can anybody say again what a node has said: each message bears a count
 * and a time, and is taken once (`replays.ts`).
 *
 * Hints of mailboxes go plain, as scripts of Redis give them: whoever forges one costs its reader a look.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../../observe/clock.ts'
import type { Log } from '../../observe/log.ts'
import { createSeldom } from '../../observe/seldom.ts'
import type { Bus } from '../bus/port.ts'
import { mailTopic } from '../mailboxes/hints.ts'
import { createReplayGuard, type Mark, type ReplaySettings } from './replays.ts'
import { createRecordSealer } from './sealed-record.ts'
import type { SharedTime } from './shared-time.ts'

export interface SealedBusDeps {
  readonly bus: Bus
  /** The first seals, all open. */
  readonly privateKeys: readonly string[]
  /** What time it is for all nodes. */
  readonly time: Pick<SharedTime, 'now' | 'ready'>
  readonly replays?: ReplaySettings
  /** Called for each message that is none of ours. */
  readonly onIgnored?: () => void
  /** Called for each message that was heard before, or comes long after it was sent. */
  readonly onReplayed?: () => void
  readonly clock: Pick<Clock, 'monotonic'>
  readonly log: Pick<Log, 'warn' | 'error'>
}

const FOREIGN =
  'a message between nodes in Redis was not written by a gateway with one of our private keys; such are ignored'
const REPLAYED =
  'a message between nodes in Redis came a second time, or long after it was sent: somebody repeats what was recorded there; such are ignored'

interface Topic {
  readonly listeners: Set<(text: string) => void>
  readonly stop: () => void
}

export function createSealedBus(deps: SealedBusDeps): Bus {
  const { bus, privateKeys, time, replays, onIgnored, onReplayed, clock, log } = deps
  const sealer = createRecordSealer(privateKeys, 'bus')
  const guard = createReplayGuard({ ...replays, now: time.now, clock })
  const isPlain = (topic: string): boolean => topic.startsWith(mailTopic(''))
  const epoch = randomBytes(12).toString('base64url')
  let count = 0
  const topics = new Map<string, Topic>()
  const isDue = createSeldom({ clock })

  const warn = (topic: string, text: string): void => {
    if (isDue(text)) log.warn({ topic }, text)
  }
  const seal = (topic: string, text: string): string => {
    count++
    return sealer.seal(
      topic,
      `${epoch} ${count.toString(36)} ${Math.round(time.now()!).toString(36)} ${text}`,
    )
  }
  /** Each message once, however many listen: the second would be told that it was there before. */
  const hear = (topic: string, sealed: string): void => {
    const opened = sealer.open(topic, sealed)
    const read = opened && readMarked(opened.text)
    if (!read) {
      onIgnored?.()
      warn(topic, FOREIGN)
      return
    }
    if (guard.judge(read.mark) !== 'new') {
      onReplayed?.()
      warn(topic, REPLAYED)
      return
    }
    for (const listener of [...(topics.get(topic)?.listeners ?? [])]) {
      try {
        listener(read.text)
      } catch (error) {
        log.error({ err: error, topic }, 'store: a message of another node was not understood')
      }
    }
  }

  return {
    publish(topic, text) {
      if (isPlain(topic)) return bus.publish(topic, text)
      if (time.now() !== undefined) return bus.publish(topic, seal(topic, text))
      return time.ready().then(() => bus.publish(topic, seal(topic, text)))
    },
    listen(topic, onMessage) {
      if (isPlain(topic)) return bus.listen(topic, onMessage)
      let known = topics.get(topic)
      if (!known) {
        known = { listeners: new Set(), stop: bus.listen(topic, (sealed) => hear(topic, sealed)) }
        topics.set(topic, known)
      }
      const { listeners, stop } = known
      const listener = (text: string): void => onMessage(text)
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
        if (listeners.size > 0 || topics.get(topic)?.listeners !== listeners) return
        topics.delete(topic)
        stop()
      }
    },
    close() {
      topics.clear()
      return bus.close()
    },
  }
}

const MARKED = /^([\w-]{16}) ([0-9a-z]{1,11}) ([0-9a-z]{1,11}) /

function readMarked(text: string): { readonly mark: Mark; readonly text: string } | undefined {
  const [all, epoch, count, sentAt] = MARKED.exec(text) ?? []
  if (all === undefined) return undefined
  const mark = { epoch: epoch!, count: Number.parseInt(count!, 36), sentAt: Number.parseInt(sentAt!, 36) }
  return { mark, text: text.slice(all.length) }
}
