/**
 * Calls that wait for their answers, by the id of their message.
 *
 * @module
 */
import type { UmfMessage } from '@hydra-gateway/protocol/umf'
import { MessageError } from './message-error.ts'

export interface Calls {
  /** Waits for the answer to a message. The promise rejects with a MessageError. */
  expect(mid: string, timeoutMs: number): { readonly answer: Promise<unknown>; forget(): void }
  /** Whether a message is the answer to a call, or was. */
  settle(message: UmfMessage): boolean
  close(): void
}

const MOST_CALLS = 10_000
/** Calls nobody waits for any more, whose answers are no messages for handlers. */
const MOST_OVER = 1000

interface Call {
  settle(answer: unknown): void
  fail(error: MessageError): void
}

export function createCalls(): Calls {
  const calls = new Map<string, Call>()
  const over = new Set<string>()

  return {
    expect(mid, timeoutMs) {
      if (calls.size >= MOST_CALLS)
        throw new MessageError('throttled', `${MOST_CALLS} calls wait for their answers already`)
      let forget = (): void => {}
      const answer = new Promise<unknown>((resolve, reject) => {
        const timer = setTimeout(() => {
          forget()
          reject(new MessageError('timeout', `there was no answer within ${timeoutMs} ms`))
        }, timeoutMs)
        timer.unref()
        forget = () => {
          clearTimeout(timer)
          if (!calls.delete(mid)) return
          over.add(mid)
          if (over.size > MOST_OVER) over.delete(over.values().next().value!)
        }
        calls.set(mid, {
          settle: (body) => {
            forget()
            if (isFailure(body)) reject(new MessageError('broken', reasonOf(body), { body }))
            else resolve(body)
          },
          fail: (error) => {
            forget()
            reject(error)
          },
        })
      })
      // It may fail before anybody looks.
      answer.catch(() => {})
      return { answer, forget: () => forget() }
    },
    settle({ rmid, body }) {
      if (rmid === undefined) return false
      const call = calls.get(rmid)
      call?.settle(body)
      return call !== undefined || over.has(rmid)
    },
    close() {
      for (const call of [...calls.values()]) call.fail(new MessageError('closed', 'the service is closed'))
    },
  }
}

/** What handlers that fail answer, here and in older systems. */
function isFailure(body: unknown): body is { readonly error: true } {
  return typeof body === 'object' && body !== null && (body as { error?: unknown }).error === true
}

function reasonOf(body: object): string {
  const { reason, result } = body as { reason?: unknown; result?: unknown }
  const said = reason ?? result
  return typeof said === 'string' ? said.slice(0, 500) : 'the handler failed'
}
