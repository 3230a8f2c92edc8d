/**
 * What many clients ask for at once: done as it comes while that takes no time to speak of, otherwise in pieces, so that
 * everything else of the process goes on, and one of each client by turns, so that nobody waits for the flood of another.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'

export interface FairTurns<Client extends object> {
  /** Does it now, or in its turn. What one client asks for is begun in its order. */
  take(client: Client, work: Work): void | Promise<void>
}

type Work = () => void | Promise<void>

/** Of the event loop at a stretch, ms. */
const STRETCH_MS = 10

export function createFairTurns<Client extends object>(
  clock: Pick<Clock, 'monotonic'>,
  nextTurn: (run: () => void) => unknown = setImmediate,
): FairTurns<Client> {
  /** Whose turn it is comes first. */
  const waiting = new Map<Client, Work[]>()
  /** When this stretch began; undefined before the first of this turn of the loop. */
  let since: number | undefined

  function begin(): void {
    since = clock.monotonic()
    nextTurn(goOn)
  }

  async function goOn(): Promise<void> {
    since = undefined
    if (waiting.size === 0) return
    begin()
    for (const [client, works] of waiting) {
      const work = works.shift()!
      waiting.delete(client)
      if (works.length > 0) waiting.set(client, works)
      void work()
      // What it began goes on before the next, and counts.
      await undefined
      if (clock.monotonic() - since! >= STRETCH_MS) return
    }
  }

  return {
    take(client, work) {
      if (since === undefined) begin()
      if (waiting.size === 0 && clock.monotonic() - since! < STRETCH_MS) return work()
      return new Promise<void>((resolve, reject) => {
        const works = waiting.get(client)
        const one = async (): Promise<void> => {
          await work()
        }
        const run = (): void => void one().then(resolve, reject)
        if (works) works.push(run)
        else waiting.set(client, [run])
      })
    },
  }
}
