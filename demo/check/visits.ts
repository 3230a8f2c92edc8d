/**
 * A load whose answers are sorted: what went well, what failed, who answered.
 *
 * @module
 */
import { type Load, type LoadOptions, startLoad } from '../load.ts'
import type { Answer } from '../shop/ask.ts'

export interface Visits {
  /** Answers below 500. */
  readonly ok: number
  /** Everything else that came: `502`, `503`, `socket hang up`, with its count. */
  readonly failures: ReadonlyMap<string, number>
  readonly failed: number
  /** Instances that rendered pages, with their count, of those that were asked for since the last `forget`. */
  readonly servers: ReadonlyMap<string, number>
  forget(): void
  stop(): Promise<void>
}

export function startVisits(options: LoadOptions): Visits {
  const failures = new Map<string, number>()
  const servers = new Map<string, number>()
  let ok = 0
  /** Answers to requests before this one may have waited here to be read, for longer than their instance lived. */
  let since = 0
  const load: Load = startLoad({
    ...options,
    onAnswer(answer, request, index) {
      options.onAnswer?.(answer, request, index)
      const outcome = answer instanceof Error ? answer.message : String(answer.status)
      if (answer instanceof Error || answer.status >= 500) {
        failures.set(outcome, (failures.get(outcome) ?? 0) + 1)
        return
      }
      ok++
      const server = serverOf(answer)
      if (server && index >= since) servers.set(server, (servers.get(server) ?? 0) + 1)
    },
  })
  return {
    get ok() {
      return ok
    },
    get failed() {
      return [...failures.values()].reduce((sum, count) => sum + count, 0)
    },
    failures,
    servers,
    forget() {
      servers.clear()
      since = load.asked
    },
    stop: load.stop,
  }
}

/** The instance that rendered a page, as its foot says. */
export function serverOf(answer: Answer): string | undefined {
  return /instance <code>([a-z]{3}-[0-9a-f]{4})<\/code>/.exec(answer.body)?.[1]
}

/** `502: 2, socket hang up: 1` */
export function formatFailures(failures: ReadonlyMap<string, number>): string {
  return [...failures].map(([outcome, count]) => `${outcome}: ${count}`).join(', ') || 'none'
}
