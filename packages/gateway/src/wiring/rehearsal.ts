/**
 * A rehearsal: what a gateway with this configuration finds at start in what it says of services, without starting.
 *
 * The registry that judges is the real one, with nobody to tell and no clock that rings. What only requests find out is
 * not found here.
 *
 * @module
 */
import { type MenuFault, type MenuItems, registration } from '@hydra-gateway/protocol'
import { createAdmission } from '../address/admission.ts'
import { registerStaticServices, type StaticService } from '../channels/static.ts'
import { type Config, hasIdentity } from '../config.ts'
import { NO_IDENTITY } from '../identity/no-identity.ts'
import { createLog } from '../observe/log.ts'
import { createRegistry } from '../registry/registry.ts'
import { parseFallback } from '../routing/fallback.ts'
import { emptyTable, type RoutingTable } from '../routing/table.ts'
import { createVitals } from '../routing/vitals.ts'
import { menusSlice, registrySlice } from '../slices.ts'
import { createMemoryStore } from '../store/memory.ts'

/** A service that is not in the configuration, as a running gateway tells of it. */
export interface OtherService {
  readonly name: string
  /** Patterns in our own form. */
  readonly routes: readonly {
    readonly pattern: string
    readonly methods?: readonly string[] | undefined
    readonly host?: string | undefined
  }[]
  readonly menuItems: MenuItems
}

export interface Rehearsed {
  /** Of items of configured services. */
  readonly menuFaults: readonly MenuFault[]
  /** Fallbacks that can never be shown, each in a sentence with a way out. */
  readonly fallbacks: readonly string[]
}

/** Registers the configured services, then `others`, and says what is wrong with the former. */
export function rehearse(config: Config, others: readonly OtherService[] = []): Rehearsed {
  let table: RoutingTable = emptyTable()
  const registry = createRegistry({
    settings: registrySlice(config),
    identity: { ...NO_IDENTITY, isOn: hasIdentity(config) },
    store: createMemoryStore({ clock: STILL }),
    admission: createAdmission({ registrationFrom: [], upstreamsAllow: [] }),
    vitals: createVitals(),
    table: () => table,
    publish(change) {
      table = 'forgotten' in change ? table.withoutService(change.forgotten) : table.withService(change)
    },
    node: 'rehearsal',
    menus: { settings: menusSlice(config) },
    clock: STILL,
    log: createLog('silent'),
  })
  try {
    registerStaticServices(config.services, registry)
    const configured = new Set(config.services.map(({ name }) => name))
    for (const other of others) if (!configured.has(other.name)) register(other, registry)
    registry.latestOverview()
    return {
      menuFaults: registry.menuFaults().listed.filter(({ service }) => configured.has(service)),
      fallbacks: config.services.flatMap((service) => uselessFallbacks(service, table)),
    }
  } finally {
    registry.stop()
  }
}

const STILL = { now: Date.now, monotonic: () => 0, every: () => () => {}, after: () => () => {} }

function register(
  { name, routes, menuItems }: OtherService,
  registry: Pick<ReturnType<typeof createRegistry>, 'registerStatic'>,
): void {
  const declared = registration.parse({
    name,
    // Nobody is asked.
    host: '127.0.0.1',
    port: 1,
    routes: routes.map(({ pattern, methods, host }) => ({
      path: pattern,
      ...(methods && { methods: [...methods] }),
      ...(host !== undefined && { host }),
    })),
    menuItems,
  })
  registry.registerStatic(declared, { id: name, address: { protocol: 'http', host: '127.0.0.1', port: 1 } })
}

/** Paths nobody has, and those of the very service that is away when its fallback is needed. */
function uselessFallbacks({ name, fallback, routes }: StaticService, table: RoutingTable): string[] {
  const stated = [
    ...(fallback === undefined ? [] : [{ whose: name, text: fallback }]),
    ...routes.flatMap(({ path, fallback: text }) =>
      text === undefined ? [] : [{ whose: `${name} at ${path}`, text }],
    ),
  ]
  return stated.flatMap(({ whose, text }) => {
    const read = parseFallback(text)
    if (read?.kind !== 'path') return []
    const route = table.match('', read.path, 'GET', false)
    const fact = `the fallback of ${whose} is never shown: ${read.location} `
    if (!route) return [`${fact}is a page no service has. Correct the path, or write HTML.`]
    if (route.service !== name || route.sharedWith) return []
    return [`${fact}is its own page, and away when it is. Name a page of another service, or write HTML.`]
  })
}
