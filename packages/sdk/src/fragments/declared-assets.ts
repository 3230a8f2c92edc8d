/**
 * Assets of fragments of others that are known before anybody rendered them: the gateway tells them, so that a page
 * composed here has them in its head as one the gateway composes.
 *
 * @module
 */
import type { Overview } from '@hydra-gateway/protocol'
import { type Asset, assetsOf } from '@hydra-gateway/protocol/fragments'

const NO_ASSETS: readonly Asset[] = Object.freeze([])
/** By `service#ref`, for as long as an overview holds. */
const byOverview = new WeakMap<Overview, ReadonlyMap<string, readonly Asset[]>>()

/** The assets of a fragment; none without a gateway, nor while several versions of it are about. */
export function declaredAssets(
  overview: Overview | undefined,
  service: string,
  ref: string,
): readonly Asset[] {
  if (!overview) return NO_ASSETS
  let known = byOverview.get(overview)
  if (!known) {
    known = readAssets(overview)
    byOverview.set(overview, known)
  }
  return known.get(`${service}#${ref}`) ?? NO_ASSETS
}

function readAssets({ services }: Overview): ReadonlyMap<string, readonly Asset[]> {
  const known = new Map<string, readonly Asset[]>()
  for (const { serviceName: service, fragmentAssets = [] } of services) {
    for (const { ref, version, assets } of fragmentAssets)
      known.set(`${service}#${ref}`, assetsOf(assets, { service, version }))
  }
  return known
}
