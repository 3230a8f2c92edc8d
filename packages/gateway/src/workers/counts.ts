/**
 * Counts of instances that workers keep, added up at the primary: health is judged there, and operators ask there.
 *
 * @module
 */
import type { Vitals, VitalsBook } from '../routing/vitals.ts'
import type { CountRow } from './messages.ts'

/** What only grows. */
const VITAL_COUNTS = [
  'requests',
  'failures',
  'errors',
  'answers',
  'faults',
  'slow',
] as const satisfies (keyof Vitals)[]

/** At a worker: what changed since the last time. */
export function createCountReports(vitals: Pick<VitalsBook, 'each'>): () => readonly CountRow[] {
  let told = new Map<string, Record<(typeof VITAL_COUNTS)[number] | 'inFlight', number>>()
  return () => {
    const rows: CountRow[] = []
    const next: typeof told = new Map()
    for (const [id, now] of vitals.each()) {
      const { inFlight, requests, failures, errors, answers, faults, slow } = now
      const before = told.get(id)
      next.set(id, { inFlight, requests, failures, errors, answers, faults, slow })
      const grown = VITAL_COUNTS.map((name) => now[name] - (before?.[name] ?? 0))
      // Fewer than before: it was forgotten here meanwhile, and is another one.
      const isNew = grown.some((count) => count < 0)
      if (before && before.inFlight === inFlight && grown.every((count) => count === 0)) continue
      rows.push([id, inFlight, ...(isNew ? VITAL_COUNTS.map((name) => now[name]) : grown)])
    }
    // Those that are gone have nothing in flight.
    for (const [id, { inFlight }] of told) if (!next.has(id) && inFlight !== 0) rows.push([id, 0])
    told = next
    return rows
  }
}

/** At the primary: adds the reports of a worker to its own counts. */
export function createCountBook(
  vitals: Pick<VitalsBook, 'of'>,
  isKnown: (instance: string) => boolean,
): { add(rows: readonly CountRow[]): void; forget(instance: string): void; workerLeft(): void } {
  const inFlight = new Map<string, number>()
  const set = (id: string, now: number): void => {
    const before = inFlight.get(id) ?? 0
    if (now === 0) inFlight.delete(id)
    else inFlight.set(id, now)
    if (isKnown(id)) vitals.of(id).inFlight += now - before
  }
  return {
    add(rows) {
      for (const [id, now, ...counts] of rows) {
        set(id, now)
        if (!isKnown(id)) continue
        const entry = vitals.of(id)
        for (const [i, name] of VITAL_COUNTS.entries()) entry[name] += counts[i] ?? 0
      }
    },
    /** It left: whatever comes under its name is another one. */
    forget: (id) => void inFlight.delete(id),
    workerLeft() {
      for (const id of [...inFlight.keys()]) set(id, 0)
    },
  }
}
