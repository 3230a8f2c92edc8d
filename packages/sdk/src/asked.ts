/**
 * Counts questions that are under way, so that a line is left when nobody waits for anything on it.
 *
 * @module
 */
import type { Source, StreamReceiver } from '@hydra-gateway/protocol/rsocket'

export interface Asked {
  readonly count: number
  /** Starts a question that counts until it ends or is cancelled. */
  start(start: (receiver: StreamReceiver) => Source, receiver: StreamReceiver): Source
  /** A question with a single answer, that counts until it is there. */
  during<Value>(answer: Promise<Value>): Promise<Value>
}

export function createAsked(): Asked {
  let count = 0
  return {
    get count() {
      return count
    },
    start(start, receiver) {
      count++
      let isOver = false
      const end = (): void => {
        if (!isOver) count--
        isOver = true
      }
      const source = start({
        ...receiver,
        onEnd(error) {
          end()
          receiver.onEnd(error)
        },
      })
      return {
        request: source.request,
        cancel() {
          end()
          source.cancel()
        },
      }
    },
    during(answer) {
      count++
      return answer.finally(() => {
        count--
      })
    },
  }
}
