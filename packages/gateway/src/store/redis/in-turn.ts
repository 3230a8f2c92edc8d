/**
 * A line to Redis of which only so much is used at a time: for what anybody may ask as often as they like, such as messages.
 *
 * Signs of life, leases and ends of sessions go by the same connection. Behind ten thousand commands of a flood they would
 * come too late, and be refused where no more may be under way: then a node is gone for all others, though it is there.
 *
 * @module
 */
import { type RedisLine, StoreAway } from './port.ts'

export interface InTurnSettings {
  /** Commands under way. @default 256 */
  readonly most?: number
  /** Others that wait for their turn; more are refused. @default 10000 */
  readonly mostWaiting?: number
}

/** Commands and scripts go in the order they came; all else is that of the line. While Redis is away nothing waits. */
export function inTurn(
  line: RedisLine,
  { most = 256, mostWaiting = 10_000 }: InTurnSettings = {},
): RedisLine {
  let underWay = 0
  const waiting = new Set<() => void>()

  async function take<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    if (underWay < most) underWay++
    else if (waiting.size < mostWaiting) await new Promise<void>((resolve) => void waiting.add(resolve))
    else throw new StoreAway(`Redis is asked too much: ${mostWaiting} commands wait`)
    try {
      return await ask()
    } finally {
      // Who waits takes the place over, so that nobody comes in between.
      const [next] = waiting
      if (next) {
        waiting.delete(next)
        next()
      } else underWay--
    }
  }

  const { prefix, reach, publish, subscribe, close } = line
  return {
    get place() {
      return line.place
    },
    prefix,
    reach,
    send: (key, args) => take(() => line.send(key, args)),
    run: (script, keys, args) => take(() => line.run(script, keys, args)),
    publish,
    subscribe,
    close,
  }
}
