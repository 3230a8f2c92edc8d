/**
 * Assets of fragments of others, as they were the last time: a page asks for them in its head, before the fragment is
 * there, as the gateway does by what services declared.
 *
 * @module
 */
import type { Asset } from '@hydra-gateway/protocol/fragments'

export interface KnownAssets {
  /** What a fragment had the last time; nothing while several versions of it are about. */
  of(service: string, ref: string): readonly Asset[]
  learn(service: string, ref: string, version: string | number, assets: readonly Asset[]): void
}

/** More fragments than these are not remembered. */
const MOST = 1000
/** How long after a change of version a page waits for what its fragment really has: visitors may see either. */
const MIXED_MS = 60_000
const NOTHING: readonly Asset[] = Object.freeze([])

interface Known {
  version: string | number
  assets: readonly Asset[]
  mixedUntil: number
}

/** Makes the memory of a service. */
export function createKnownAssets(now: () => number): KnownAssets {
  const fragments = new Map<string, Known>()
  return {
    of(service, ref) {
      const known = fragments.get(`${service}#${ref}`)
      return known && known.mixedUntil <= now() ? known.assets : NOTHING
    },
    learn(service, ref, version, assets) {
      const key = `${service}#${ref}`
      const known = fragments.get(key)
      if (known) {
        if (known.version !== version) known.mixedUntil = now() + MIXED_MS
        known.version = version
        known.assets = assets
      } else if (assets.length > 0 && fragments.size < MOST)
        fragments.set(key, { version, assets, mixedUntil: 0 })
    },
  }
}
