/**
 * Store in memory: the truth of a gateway that is alone. Lapses are noticed when somebody looks.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'
import type { InstanceRecord, InstanceStore } from './port.ts'

interface Held {
  readonly record: InstanceRecord
  lapsesAt: number
}

/** Makes an empty store. Nothing survives the process. */
export function createMemoryStore({ clock }: { clock: Pick<Clock, 'monotonic'> }): InstanceStore {
  const held = new Map<string, Held>()
  const watchers = new Set<() => void>()
  let revision = 0

  const moved = (): number => {
    revision++
    for (const onHint of watchers) onHint()
    return revision
  }
  const dropLapsed = (): void => {
    const now = clock.monotonic()
    let dropped = false
    for (const [id, { lapsesAt }] of held) {
      if (lapsesAt <= now) dropped = held.delete(id) || dropped
    }
    if (dropped) moved()
  }

  return {
    async put(record, leaseMs) {
      held.set(record.id, { record, lapsesAt: clock.monotonic() + leaseMs })
      return moved()
    },
    async renew(id, leaseMs) {
      // Every beat comes here: the others are not looked at.
      const entry = held.get(id)
      const now = clock.monotonic()
      if (!entry || entry.lapsesAt <= now) return 'unknown'
      entry.lapsesAt = now + leaseMs
      return 'renewed'
    },
    async release(id) {
      if (held.delete(id)) moved()
    },
    async revision() {
      dropLapsed()
      return revision
    },
    async snapshot() {
      dropLapsed()
      return { revision, instances: [...held.values()].map(({ record }) => record) }
    },
    watch(onHint) {
      watchers.add(onHint)
      return () => void watchers.delete(onHint)
    },
    async close() {
      watchers.clear()
      held.clear()
    },
  }
}
