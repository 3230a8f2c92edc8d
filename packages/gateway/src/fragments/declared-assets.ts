/**
 * Assets of fragments that are known before anybody rendered them, from what their services registered.
 *
 * @module
 */
import { type Asset, assetsOf, type FragmentTag } from '@hydra-gateway/protocol/fragments'
import type { Instance } from '../routing/upstream.ts'

const NO_ASSETS: readonly Asset[] = Object.freeze([])

/**
 * Makes the look-up. None are known while a fragment is rendered by several versions of its service: the page would
 * have the assets of another one.
 */
export function createDeclaredAssets(
  instancesOf: (service: string) => readonly Instance[],
): (tag: FragmentTag, own: string) => readonly Asset[] {
  const known = new WeakMap<Instance, Map<string, readonly Asset[]>>()

  function assetsFrom(instance: Instance, ref: string): readonly Asset[] {
    let byRef = known.get(instance)
    if (!byRef) {
      byRef = new Map()
      known.set(instance, byRef)
    }
    let assets = byRef.get(ref)
    if (!assets) {
      assets = assetsOf(instance.refs?.get(ref)?.assets, instance)
      byRef.set(ref, assets)
    }
    return assets
  }

  return (tag, own) => {
    const { ref } = tag
    const service = tag.service === '' ? own : tag.service
    if (service.includes('${') || ref.includes('${')) return NO_ASSETS
    let first: Instance | undefined
    for (const instance of instancesOf(service)) {
      if (!instance.refs?.has(ref) || instance.refusedRefs?.has(ref)) continue
      if (first && first.version !== instance.version) return NO_ASSETS
      first ??= instance
    }
    return first ? assetsFrom(first, ref) : NO_ASSETS
  }
}
