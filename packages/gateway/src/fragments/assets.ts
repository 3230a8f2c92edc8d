/**
 * Scripts and styles of a fragment and of those inside it.
 *
 * A name is below the static prefix of the service that rendered the fragment, in its version; a path or URL is what
 * it is. Those of fragments inside become paths, as they are of other services than the one they are in.
 *
 * @module
 */
import type { FragmentAssets } from '@hydra-gateway/protocol'
import type { Instance } from '../routing/upstream.ts'
import type { Outcome } from './port.ts'

const KINDS = ['styles', 'scripts'] as const

/** Where a browser finds an asset of an instance. */
export function assetAddress(
  name: string,
  { service, version }: Pick<Instance, 'service' | 'version'>,
): string {
  if (name.startsWith('/') || /^https?:\/\//i.test(name)) return name
  const path = name
    .split('/')
    .map((segment) => encodeURIComponent(segment))
    .join('/')
  return `/${encodeURIComponent(service)}/${path}?v=${encodeURIComponent(version)}`
}

/** What a fragment needs: what it says, what it declared when it registered, what those inside it need. */
export function allAssets(
  said: FragmentAssets | undefined,
  declared: FragmentAssets | undefined,
  inside: ReadonlyMap<number, Outcome> | undefined,
): FragmentAssets | undefined {
  if (!declared && !inside) return said
  const all = { styles: new Set<string>(), scripts: new Set<string>() }
  for (const kind of KINDS) {
    for (const name of declared?.[kind] ?? []) all[kind].add(name)
    for (const name of said?.[kind] ?? []) all[kind].add(name)
    for (const { assets, instance } of inside?.values() ?? [])
      if (instance) for (const name of assets?.[kind] ?? []) all[kind].add(assetAddress(name, instance))
  }
  if (all.styles.size === 0 && all.scripts.size === 0) return undefined
  return { styles: [...all.styles], scripts: [...all.scripts] }
}
