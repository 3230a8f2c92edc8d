/**
 * The doors: how operators, services and open pages reach the gateway itself.
 *
 * @module
 */
import { createAdminApi } from '../admin/api.ts'
import { createIdentityAdmin } from '../admin/identity.ts'
import { listMenus } from '../admin/menus.ts'
import type { NodesView } from '../admin/nodes.ts'
import { toBean } from '../channels/registration-answer.ts'
import { createDoors, type Doors, type DoorsDeps } from '../control/doors.ts'
import { createFragmentDoor } from '../control/fragment-door.ts'
import { createGuard } from '../control/guard.ts'
import { createIdentityApi } from '../control/identity-api.ts'
import { createLiveDoor } from '../control/live-door.ts'
import { createMenuDoor } from '../control/menu-door.ts'
import { createXrayDoor } from '../control/xray-door.ts'
import type { FragmentDesk } from '../fragments/port.ts'
import type { XrayPass } from '../fragments/xray-pass.ts'
import type { OpenedIdentity } from '../identity/identity.ts'
import type { IdentityFacts } from '../identity/port.ts'
import { LIVE_FRAGMENTS_SCRIPT, LIVE_SCRIPT } from '../live/live-script.ts'
import { SOCKET_SCRIPT } from '../messaging/socket-script.ts'
import { compactCss, readAsset } from '../pages/inline.ts'
import { createLocalPages, type LocalPagesDeps } from '../pages/local-pages.ts'
import type { Health } from '../registry/health.ts'
import type { Registry } from '../registry/registry.ts'
import { fragmentsSlice } from '../slices.ts'
import type { IdentityStore } from '../store/identity/port.ts'
import type { Channels } from './channels.ts'
import { type Core, sliceOf } from './core.ts'
import type { SiteEvents } from './events.ts'
import type { LivePages } from './live-pages.ts'
import type { Messages } from './messaging.ts'

export interface GatewayDoorsDeps {
  readonly registry: Registry
  readonly health: Health
  readonly channels: Channels
  readonly desk: FragmentDesk
  readonly identity: OpenedIdentity | undefined
  readonly identityFacts: IdentityFacts
  readonly identityStore: IdentityStore
  readonly livePages: LivePages
  readonly messages: Pick<Messages, 'messaging' | 'routerApi'>
  readonly events: SiteEvents
  readonly nodes: NodesView
  readonly xray: XrayPass
  readonly openPages: LocalPagesDeps['openPages']
  /** Reads the configuration again. */
  readonly reload: DoorsDeps['reload']
  /** Anything but `ready`, and whoever sends it visitors sends them elsewhere. */
  readonly readiness: DoorsDeps['readiness']
  /** Whether a process that serves requests is there, by its name. */
  readonly isWorkerThere: (name: string) => boolean
}

export function createGatewayDoors(core: Core, deps: GatewayDoorsDeps): Doors {
  const { config, keys, clock, log, metrics, live, vitals } = core
  const { registry, health, channels, desk, identity, identityFacts, identityStore } = deps
  const { livePages, messages, events, nodes, xray, openPages, reload, readiness } = deps
  return createDoors({
    channel: channels.http,
    fragments: createFragmentDoor({
      desk,
      refusal: channels.http.refusal,
      settings: sliceOf(core, (now) => ({ ...fragmentsSlice(now), bodyTimeoutMs: now.http.idleTimeout })),
      clock,
      log,
      metrics,
    }),
    rsocket(exchange) {
      const { address, worker } = exchange.peer
      const wasCutHere = worker === undefined ? undefined : () => !deps.isWorkerThere(worker)
      channels.rsocket.handleUpgrade(exchange.takeOver(), address, wasCutHere)
    },
    beans: () =>
      Object.fromEntries(
        registry.active().map(({ serviceName, registrations }) => [serviceName, registrations.map(toBean)]),
      ),
    pageDoors: createLiveDoor({
      hub: livePages.hub,
      identify: identity?.guard.identify,
      script: LIVE_SCRIPT,
      fragmentsScript: LIVE_FRAGMENTS_SCRIPT,
      styles: compactCss(readAsset('menu.css')),
      socketScript: SOCKET_SCRIPT,
    }),
    menus: createMenuDoor({ menus: livePages.menus, identify: identity?.guard.identify }),
    sockets: messages.messaging.accept,
    routerApi: messages.routerApi,
    allMenus: () => ({ revision: live.table.revision, ...listMenus(registry, livePages.wanted) }),
    events: events.door.open,
    nodes,
    admin: createAdminApi({ registry, live, vitals, health, demandOf: identity?.demandOf, clock }),
    identityApi: createIdentityApi(
      identity &&
        createIdentityAdmin({
          store: identityStore,
          revocations: identity.revocations,
          book: identity.book,
          ring: identity.ring,
          hash: identity.hashPassword,
          isConfigured: identity.isConfiguredUser,
          log,
        }),
    ),
    signIn: identity?.handle,
    keysAnswer: identityFacts.keysAnswer,
    guard: createGuard({ keys }),
    pages: createLocalPages({ siteTitle: config.siteTitle, openPages }),
    xray: createXrayDoor({ pass: xray }),
    welcomeFacts: () => ({ revision: live.table.revision, services: [...live.table.services()].length }),
    reload,
    readiness,
    log,
    metrics,
  })
}
