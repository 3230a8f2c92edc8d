/**
 * Menus and links as visitors may see them, and the open pages that are told when they change.
 *
 * @module
 */
import type { Overview } from '@hydra-gateway/protocol'
import { networkOf } from '../address/network.ts'
import { offers } from '../fragments/choose.ts'
import type { OpenedIdentity } from '../identity/identity.ts'
import { createFragmentMarks } from '../live/fragment-marks.ts'
import { createLiveHub } from '../live/hub.ts'
import { createSiteMenus } from '../menus/site-menus.ts'
import { createWantedMenus } from '../menus/wanted-menus.ts'
import type { DemandsAt } from '../routing/demands.ts'
import type { HealthOf } from '../routing/link-state.ts'
import { liveSlice } from '../slices.ts'
import type { Core } from './core.ts'

export interface LivePagesDeps {
  readonly registry: {
    latestOverview(): Pick<Overview, 'menus' | 'hash'>
    onOverview(listener: () => void): () => void
  }
  readonly identity: Pick<OpenedIdentity, 'revocations' | 'judge' | 'guard' | 'onEnds' | 'isOver'> | undefined
  /** What the guard asks for at a path. */
  readonly demandsAt: DemandsAt
  readonly healthOf: HealthOf
}

export type LivePages = ReturnType<typeof createLivePages>

export function createLivePages(
  { config, keys, random, clock, log, metrics, live, vitals }: Core,
  { registry, identity, demandsAt, healthOf }: LivePagesDeps,
) {
  const menus = createSiteMenus({
    overview: registry.latestOverview,
    onOverview: registry.onOverview,
    live,
    vitals,
    healthOf,
    demandsAt,
    identity: identity && { isRevoked: identity.revocations.isRevoked, judge: identity.judge },
  })
  const marks = createFragmentMarks({ privateKeys: keys.privateKeys })
  const hub = createLiveHub({
    menus,
    marks,
    renewal: identity?.guard.renewal,
    fragmentState: (service, ref) =>
      live.table
        .instances(service)
        .some((instance) => !vitals.of(instance.id).resting && offers(instance, ref)),
    settings: liveSlice(config),
    networkOf,
    clock,
    random,
    log,
    metrics,
  })
  identity?.onEnds(() => hub.endWhere(({ caller }) => caller !== undefined && identity.isOver(caller)))
  const wanted = createWantedMenus({ names: () => Object.keys(registry.latestOverview().menus), clock, log })
  return { menus, wanted, marks, hub }
}
