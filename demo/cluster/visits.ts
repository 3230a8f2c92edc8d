/**
 * Visitors of the shop who go on asking, and count. As browsers do, they ask again for a page whose connection broke;
 * what they then still don't get has failed.
 *
 * @module
 */
import { Agent } from 'node:http'
import { type Load, startLoad } from '../load.ts'
import { AS_BROWSER, ask } from '../shop/ask.ts'

export interface Visits {
  readonly answered: number
  readonly failed: number
  readonly askedAgain: number
  /** Longest wait for a page in the last seconds, ms. */
  readonly slowestMs: number
  /** Pages a second, of the last seconds. */
  readonly perSecond: number
  /** What failed last. */
  readonly lastFailure: string | undefined
  stop(): Promise<void>
}

export const PER_SECOND = 50
const PATHS = [
  '/',
  '/catalog',
  '/catalog/watering-can',
  '/orders',
  '/catalog/reed-basket',
  '/account',
  '/catalog/marsh-lamp',
]
const MOST_TRIES = 3
const NEW_EVERY = 4
const WINDOW_MS = 3000

/** `paths`: what is asked for, in turn. @default pages of the shop */
export function startVisits(url: string, paths: readonly string[] = PATHS, perSecond = PER_SECOND): Visits {
  let [answered, failed, askedAgain] = [0, 0, 0]
  let count = 0
  let lastFailure: string | undefined
  const recent: { readonly at: number; readonly ms: number }[] = []
  const inWindow = (): typeof recent => {
    const from = performance.now() - WINDOW_MS
    while (recent.length > 0 && recent[0]!.at < from) recent.shift()
    return recent
  }
  const load: Load = startLoad({
    url,
    perSecond,
    atOnce: 6,
    next: (index) => ({ path: paths[index % paths.length]!, headers: AS_BROWSER }),
    async visit(target, options) {
      const began = performance.now()
      for (let tries = 1; ; tries++) {
        try {
          // Some visitors are new. And of the connections that are kept, others may be as dead as the first.
          const isNew = tries > 1 || count++ % NEW_EVERY === 0
          const answer = await ask(target, isNew ? { ...options, agent: new Agent() } : options)
          recent.push({ at: performance.now(), ms: performance.now() - began })
          if (answer.status >= 500) fail(`${answer.status} of ${target}`)
          else answered++
          return answer
        } catch (fault) {
          if (tries === MOST_TRIES) {
            fail(`${(fault as Error).message} of ${target}`)
            throw fault
          }
          askedAgain++
        }
      }
    },
  })
  function fail(what: string): void {
    failed++
    lastFailure = what
  }
  return {
    get answered() {
      return answered
    },
    get failed() {
      return failed
    },
    get askedAgain() {
      return askedAgain
    },
    get lastFailure() {
      return lastFailure
    },
    get slowestMs() {
      return Math.max(0, ...inWindow().map(({ ms }) => ms))
    },
    get perSecond() {
      return inWindow().length / (WINDOW_MS / 1000)
    },
    stop: load.stop,
  }
}
