/**
 * The way out: messages wait here while there is no line, and while too many are under way. Never for longer than their
 * sender said, and never too many of them. What was sent is not sent again: it may have arrived.
 *
 * @module
 */
import { isUnknownRoute, RSocketError } from '@hydra-gateway/protocol/rsocket'
import { ConnectionError } from '../connection-error.ts'
import { MessageError } from './message-error.ts'

/** What of a connection messages go by. */
export interface MessageLine {
  message(data: Uint8Array, timeoutMs: number): Promise<unknown>
  push(data: Uint8Array, timeoutMs: number): Promise<unknown>
  find(service: string, timeoutMs: number): Promise<unknown>
}

export interface Outbox {
  /**
   * Asks the gateway something as soon as there is a line. Rejects with a MessageError.
   *
   * @param weight for how many messages it counts. @default 1
   */
  ask(
    how: (line: MessageLine, timeoutMs: number) => Promise<unknown>,
    timeoutMs: number,
    weight?: number,
  ): Promise<unknown>
  /** There is a line, another one, or none. */
  changed(): void
  /** Nothing goes out any more, and nothing that waits does. */
  close(): void
}

/** Below what the gateway takes of one line. */
const MOST_UNDER_WAY = 256
/** Messages that may wait for their turn, or for a line. */
const MOST_WAITING = 1000

interface Waiting {
  readonly weight: number
  start(line: MessageLine): void
  fail(error: MessageError): void
}

export function createOutbox({
  line,
  now,
}: {
  readonly line: () => MessageLine | undefined
  /** Any clock, ms. */
  readonly now: () => number
}): Outbox {
  const waiting = new Set<Waiting>()
  let underWay = 0
  let isClosed = false

  /** Lets those go whose turn it is. */
  function flush(): void {
    for (const one of waiting) {
      const open = line()
      if (!open || underWay + one.weight > MOST_UNDER_WAY) return
      waiting.delete(one)
      underWay += one.weight
      one.start(open)
    }
  }

  /** Resolves with a line, once there is one and it is this one's turn. */
  function turn(until: number, timeoutMs: number, weight: number): Promise<MessageLine> {
    return new Promise((resolve, reject) => {
      if (isClosed) return reject(closed())
      if (waiting.size >= MOST_WAITING)
        return reject(new MessageError('throttled', `${MOST_WAITING} messages wait to be sent already`))
      const timer = setTimeout(() => {
        waiting.delete(one)
        const why = line() ? 'too many others were under way' : 'there was no line to the gateway'
        one.fail(new MessageError('timeout', `the message was not sent within ${timeoutMs} ms: ${why}`))
      }, until - now())
      timer.unref()
      const one: Waiting = {
        weight,
        start(open) {
          clearTimeout(timer)
          resolve(open)
        },
        fail(error) {
          clearTimeout(timer)
          reject(error)
        },
      }
      waiting.add(one)
      flush()
    })
  }

  return {
    async ask(how, timeoutMs, weight = 1) {
      const until = now() + timeoutMs
      const open = await turn(until, timeoutMs, weight)
      try {
        return await how(open, Math.max(1, until - now()))
      } catch (fault) {
        throw toMessageError(fault)
      } finally {
        underWay -= weight
        flush()
      }
    },
    changed: flush,
    close() {
      isClosed = true
      for (const one of waiting) one.fail(closed())
      waiting.clear()
    },
  }
}

function closed(): MessageError {
  return new MessageError('closed', 'the service is closed')
}

function toMessageError(fault: unknown): unknown {
  if (!(fault instanceof ConnectionError)) return fault
  const { kind, cause, problem } = fault
  if (problem === 'HYDRA_TOO_LARGE')
    return new MessageError('too-large', 'the gateway takes no message as large as this one', { cause })
  if (problem === 'HYDRA_OVERLOADED')
    return new MessageError('throttled', 'the gateway has too much to do', { cause })
  if (problem === 'HYDRA_NOT_IMPLEMENTED' || (cause instanceof RSocketError && isUnknownRoute(cause)))
    return new MessageError('not-supported', 'this gateway carries no messages of services', { cause })
  if (kind === 'timeout')
    return new MessageError('timeout', 'the gateway did not say in time what became of the message', {
      cause,
    })
  if (kind === 'lost')
    return new MessageError('broken', 'the line was lost: whether the message arrived is not known', {
      cause,
    })
  return new MessageError('broken', fault.message, { cause })
}
