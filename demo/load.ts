/**
 * A bounded load on this machine: so many requests a second, so many at once, and what came of each.
 *
 * @module
 */
import { Agent } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { type Answer, type AskOptions, ask } from './shop/ask.ts'

export interface Request extends AskOptions {
  readonly path: string
}

export interface LoadOptions {
  readonly url: string
  readonly perSecond: number
  /** @default 4 */
  readonly atOnce?: number
  /** What to ask next; the number counts from 0. */
  next(index: number): Request
  /** How one is made. @default `ask`, once */
  visit?(url: string, options: AskOptions): Promise<Answer>
  /** An answer, or the error that came instead of one; the number is the one its request had. */
  onAnswer?(answer: Answer | Error, request: Request, index: number): void
}

export interface Load {
  readonly asked: number
  /** Resolves when the last answer is in. */
  stop(): Promise<void>
}

/** Begins at once and goes on until stopped. */
export function startLoad({ url, perSecond, atOnce = 4, next, visit = ask, onAnswer }: LoadOptions): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce })
  const everyMs = (1000 / perSecond) * atOnce
  let asked = 0
  let isRunning = true

  async function visitor(place: number): Promise<void> {
    // They come one after the other, not in step.
    let at = performance.now() + (place * everyMs) / atOnce
    while (isRunning) {
      const early = at - performance.now()
      if (early > 0) await delay(early)
      if (!isRunning) return
      // A slow answer is not made up for afterwards: that would be a burst.
      at = Math.max(at, performance.now() - everyMs) + everyMs
      const index = asked++
      const request = next(index)
      const answer = await visit(url + request.path, { agent, ...request }).catch((fault: Error) => fault)
      onAnswer?.(answer, request, index)
    }
  }

  const visitors = Promise.all(Array.from({ length: atOnce }, (_, place) => visitor(place)))
  return {
    get asked() {
      return asked
    },
    async stop() {
      isRunning = false
      await visitors
      agent.destroy()
    },
  }
}
