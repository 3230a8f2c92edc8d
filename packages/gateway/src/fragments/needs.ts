/**
 * What a fragment needs: its scripts and styles, and those of the fragments inside it.
 *
 * Names are below the static prefix of the service that rendered the fragment. Those of fragments inside become
 * addresses, as they are of other services than the one they are in.
 *
 * @module
 */
import { type FragmentAssets, MOST_ASSETS } from '@hydra-gateway/protocol'
import { assetUrl } from '@hydra-gateway/protocol/fragments'
import type { Instance } from '../routing/upstream.ts'
import type { Outcome } from './port.ts'

const KINDS = ['styles', 'scripts'] as const

/**
 * What it declared when it registered, what it says, what those inside it need; each once. Of each kind there are as
 * many as one fragment may have: `onBeyond` hears of more, and the first are taken.
 */
export function needsOf(
  said: FragmentAssets | undefined,
  declared: FragmentAssets | undefined,
  inside: ReadonlyMap<number, Outcome> | undefined,
  onBeyond: () => void,
): FragmentAssets | undefined {
  if (!declared && !inside) return said
  const all = { styles: new Set<string>(), scripts: new Set<string>() }
  const add = (assets: FragmentAssets | undefined, owner?: Instance): void => {
    for (const kind of KINDS) {
      for (const name of assets?.[kind] ?? []) {
        const known = owner ? assetUrl(name, owner) : name
        if (known !== undefined) all[kind].add(known)
      }
    }
  }
  add(declared)
  add(said)
  for (const { assets, instance } of inside?.values() ?? []) add(assets, instance)
  if (all.styles.size === 0 && all.scripts.size === 0) return undefined
  if (all.styles.size > MOST_ASSETS || all.scripts.size > MOST_ASSETS) onBeyond()
  return { styles: [...all.styles].slice(0, MOST_ASSETS), scripts: [...all.scripts].slice(0, MOST_ASSETS) }
}
