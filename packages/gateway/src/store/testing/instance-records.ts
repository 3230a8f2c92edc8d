/**
 * What the contract of the store of instances works with: records, and readers that know what a node knows.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { eventually as eventuallyWithin } from '../../../../../test/support/eventually.ts'
import type { InstanceRecord, InstanceStore, ListedInstance, Look, Version } from '../port.ts'

export interface OpenedStore {
  readonly store: InstanceStore
  /** Another handle on the same place, as another node has. In memory it is the same one. */
  again(): Promise<InstanceStore>
}

export interface OpenOptions {
  /** @default as long as the adapter likes, at least a minute */
  readonly rememberMs?: number
}

/** Adds a test, with a store that is empty. */
export type Contract = (
  title: string,
  run: (store: InstanceStore, opened: OpenedStore) => Promise<void>,
  options?: OpenOptions,
) => void

/** Long enough that nothing lapses by itself while a test runs. */
export const LONG_MS = 60_000
/** Short enough to wait for. */
export const SHORT_MS = 150

/** A record as tests of a store put it. */
export const record = (id: string, more: Partial<InstanceRecord> = {}): InstanceRecord => ({
  id,
  service: 'orders',
  node: 'a',
  claim: `${id} at a`,
  state: 'available',
  declared: { port: 1 },
  ...more,
})

/** What a reader of deltas knows, kept as a node keeps it. */
export function createReader(store: InstanceStore) {
  const listed = new Map<string, ListedInstance>()
  let seen: Version | undefined
  return {
    listed,
    seen: () => seen,
    async read(): Promise<Look | undefined> {
      const look = await store.look(seen)
      if (!look) return undefined
      seen = look.version
      if (look.isWhole) listed.clear()
      for (const { id } of look.gone) listed.delete(id)
      for (const service of look.forgotten)
        for (const one of [...listed.values()]) if (one.service === service) listed.delete(one.id)
      for (const one of look.instances) listed.set(one.id, one)
      return look
    },
  }
}

export const eventually = <T>(check: () => Promise<T>): Promise<T> => eventuallyWithin(check, 4000)

export const whole = async (store: InstanceStore): Promise<Look> => {
  const look = await store.look(undefined)
  assert.ok(look)
  assert.equal(look.isWhole, true)
  return look
}
export const ids = async (store: InstanceStore): Promise<string[]> =>
  (await whole(store)).instances.map(({ id }) => id).sort()
export const versionOf = async (store: InstanceStore): Promise<Version> => (await whole(store)).version
export const since = async (store: InstanceStore, version: Version): Promise<Look> => {
  const look = await store.look(version)
  assert.ok(look, 'something changed')
  return look
}

export async function putAll(
  store: InstanceStore,
  many: readonly InstanceRecord[],
  leaseMs: number,
): Promise<void> {
  for (let i = 0; i < many.length; i += 250)
    await Promise.all(many.slice(i, i + 250).map((one) => store.put(one, leaseMs)))
}
