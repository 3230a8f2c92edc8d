/**
 * What was seen in Redis, brought into the registry: instances, and the routes of their services, which all of them share.
 *
 * @module
 */
import {
  PatternError,
  type Registration,
  type RouteDeclaration,
  readFlywheelRoute,
  registration,
  translate,
} from '@hydra-gateway/protocol'
import { ROUTER_SERVICE } from '@hydra-gateway/protocol/umf'
import type { HydraError } from '../../errors.ts'
import type { Observer } from '../port.ts'
import type { Complaints } from './complaints.ts'
import type { SeenEntry } from './node-entry.ts'
import type { FlywheelNetworkSettings } from './settings.ts'

/** What stands where a service keeps its routes. */
export type RoutesFound = readonly string[] | 'none' | 'unreadable'

export interface Roll {
  /** Somebody is there. Resolves once it serves, or is refused. */
  here(seen: SeenEntry): Promise<void>
  away(seen: SeenEntry): void
  /** Whether routes of a service were read once. */
  isRead(service: string): boolean
  /** Routes were read; false: they have to be read once more before what is missing is believed. Resolves once they are served. */
  found(service: string, routes: RoutesFound): Promise<boolean>
  /** Redis has lost everything: routes that are not there were not taken away, and stay known for as long as those of others. */
  lost(): void
  /** Brings in again who was refused, and names that may have another address by now. */
  again(): Promise<void>
  /** The same of those an operator forgot. */
  restore(): void
  services(): Iterable<string>
  /** As they stand in Redis. */
  routes(): ReadonlyMap<string, readonly string[]>
}

interface Service {
  readonly name: string
  /** Sorted; absent while there are none. */
  members?: readonly string[] | undefined
  routes: readonly RouteDeclaration[]
  isRead: boolean
  /** Reads after another in which they were not there. */
  missing: number
  /** They were lost with everything else in Redis. */
  isLost: boolean
  readonly instances: Map<string, Live>
  version: string
}

interface Live {
  seen: SeenEntry
  isRefused: boolean
  /** Changes on their way into the registry. */
  pending: number
  /** The latest change on its way into the registry. */
  turn: Promise<void>
}

const MAX_PATH_LENGTH = 2048
const MOST_RESOLVED = 4

export function createRoll({
  registry,
  settings,
  complaints,
}: {
  readonly registry: Observer
  readonly settings: Pick<FlywheelNetworkSettings, 'maxServices'>
  readonly complaints: Complaints
}): Roll {
  const services = new Map<string, Service>()
  /** Names of hosts are resolved by few at a time: everything else that resolves some waits for the same threads. */
  const names = createTurnstile(MOST_RESOLVED)
  /** Names of services by instance. */
  const whose = new Map<string, string>()

  const serviceOf = (name: string): Service | undefined => {
    const before = services.get(name)
    if (before) return before
    if (services.size >= settings.maxServices) {
      complaints.about('services', 'there are more services in Redis than are looked at', { subject: name })
      return undefined
    }
    const service: Service = {
      name,
      routes: [],
      isRead: false,
      missing: 0,
      isLost: false,
      instances: new Map(),
      version: 'unspecified',
    }
    services.set(name, service)
    return service
  }
  const forget = (service: Service): void => {
    services.delete(service.name)
    registry.unknown(service.name, 'its routes are gone from Redis')
  }

  /** One after the other for each instance, as addresses take their time. */
  const bringIn = (service: Service, live: Live): Promise<void> => {
    const { id } = live.seen
    const isStill = (): boolean => service.instances.get(id) === live
    const change = async (): Promise<void> => {
      if (!isStill()) return
      const { seen } = live
      const isNamed = !LITERAL.test(seen.host)
      if (isNamed) await names.enter()
      try {
        await registry.observe(registrationOf(service, seen), isStill)
        live.isRefused = false
      } catch (error) {
        live.isRefused = true
        const { code, detail } = error as Partial<HydraError>
        complaints.about(CAUSES[code ?? ''] ?? 'instance', 'an instance is not served', {
          subject: `${service.name} ${id}`,
          reason: detail ?? (error as Error).message,
        })
        if (code !== 'HYDRA_TOO_LARGE') return
        // Its routes are too many: it gets messages all the same.
        await registry.observe(registrationOf({ ...service, routes: [] }, seen), isStill).catch(() => {})
      } finally {
        if (isNamed) names.leave()
      }
    }
    live.pending++
    live.turn = live.turn.then(change).finally(() => live.pending--)
    return live.turn
  }
  const bringInAll = async (service: Service): Promise<void> => {
    await Promise.all([...service.instances.values()].map((live) => bringIn(service, live)))
  }

  const compile = (service: string, members: readonly string[]): RouteDeclaration[] => {
    const routes: RouteDeclaration[] = []
    for (const member of members) {
      try {
        const { methods, path } = readFlywheelRoute(member)
        if (path.length > MAX_PATH_LENGTH) throw new PatternError(path, 'it is too long')
        translate('route-parser', path)
        routes.push({ path, dialect: 'route-parser', ...(methods ? { methods: [...methods] } : {}) })
      } catch (error) {
        // The original stopped reading routes of all services at one it could not read (B30).
        complaints.about('pattern', 'a route that can not be read is left out', {
          subject: `${service} ${member}`,
          reason: (error as Error).message,
        })
      }
    }
    return routes
  }

  return {
    async here(seen) {
      if (seen.service === ROUTER_SERVICE) return
      const service = serviceOf(seen.service)
      if (!service) return
      const before = whose.get(seen.id)
      if (before !== undefined && before !== seen.service) {
        services.get(before)?.instances.delete(seen.id)
        registry.unobserve(seen.id, 'it has another name')
      }
      whose.set(seen.id, seen.service)
      const live = service.instances.get(seen.id) ?? {
        seen,
        isRefused: false,
        pending: 0,
        turn: Promise.resolve(),
      }
      live.seen = seen
      service.version = seen.version
      service.instances.set(seen.id, live)
      await bringIn(service, live)
    },
    away({ id, service: name }) {
      whose.delete(id)
      const service = services.get(name)
      if (!service?.instances.delete(id)) return
      registry.unobserve(id, 'it gives no sign of life in Redis')
    },
    isRead: (name) => services.get(name)?.isRead ?? false,
    async found(name, routes) {
      if (name === ROUTER_SERVICE) return true
      if (routes === 'unreadable') {
        complaints.about('routes', 'routes that are too many, or no set, are ignored', { subject: name })
        const service = serviceOf(name)
        if (service) service.isRead = true
        return true
      }
      if (routes === 'none') {
        const service = services.get(name)
        if (!service) return true
        service.isRead = true
        service.missing++
        if (service.isLost && registry.isKnown(name)) return true
        // A service that writes them anew deletes them first; one that is there does not write them again once they are lost.
        if (service.instances.size > 0) return true
        if (service.missing < 2) return false
        forget(service)
        return true
      }
      const service = serviceOf(name)
      if (!service) return true
      service.isRead = true
      service.missing = 0
      const members = [...routes].sort()
      const isSame = service.members !== undefined && isEqual(service.members, members)
      if (isSame && !service.isLost) return true
      service.isLost = false
      service.members = members
      service.routes = compile(name, members)
      if (service.instances.size > 0) await bringInAll(service)
      else makeKnown(service)
      return true
    },
    lost() {
      for (const service of services.values()) if (service.members) service.isLost = true
    },
    async again() {
      const late = [...services.values()].flatMap((service) =>
        [...service.instances.values()]
          .filter(({ isRefused, seen }) => isRefused || !LITERAL.test(seen.host))
          .map((live) => bringIn(service, live)),
      )
      await Promise.all(late)
    },
    restore() {
      for (const service of services.values()) {
        for (const live of service.instances.values())
          if (!live.isRefused && live.pending === 0 && !registry.isObserved(live.seen.id))
            void bringIn(service, live)
      }
    },
    services: () => services.keys(),
    routes() {
      const listed = new Map<string, readonly string[]>()
      for (const { name, members } of services.values()) if (members) listed.set(name, members)
      return listed
    },
  }

  function makeKnown(service: Service): void {
    try {
      if (registry.known(registrationOf(service))) return
    } catch (error) {
      complaints.about('instance', 'routes of a service without instances are not known', {
        subject: service.name,
        reason: (error as Error).message,
      })
      return
    }
    complaints.about('room', 'there is no room for a service without instances', { subject: service.name })
  }
}

/** Constant words for what the registry refuses. */
const CAUSES: Readonly<Record<string, string>> = {
  HYDRA_FORBIDDEN_ADDRESS: 'address',
  HYDRA_CONFLICT: 'id-taken',
  HYDRA_OVERLOADED: 'room',
  HYDRA_TOO_LARGE: 'too-many-routes',
}

/** Addresses that stay what they are. */
const LITERAL = /^(?:[0-9.]+|\[?[0-9a-f:.]+\]?)$/i

/** What a service would have registered with, had it called. A service without instances has no address. */
function registrationOf(
  { name, routes, version }: Pick<Service, 'name' | 'routes' | 'version'>,
  seen?: SeenEntry,
): Registration {
  return {
    ...registration.parse({
      name,
      host: seen?.host ?? '0.0.0.0',
      port: seen?.port ?? 1,
      version: seen?.version ?? version,
      // The original chose at random, whatever the versions.
      awakening: 'EQUAL_SHARE',
      affinity: false,
      ...(seen ? { instanceId: seen.id } : {}),
    }),
    routes: [...routes],
  }
}

/** Lets so many in at a time, in the order they came. */
function createTurnstile(most: number): { enter(): Promise<void>; leave(): void } {
  const waiting: (() => void)[] = []
  let inside = 0
  return {
    async enter() {
      if (inside < most) inside++
      else await new Promise<void>((resolve) => waiting.push(resolve))
    },
    leave() {
      const next = waiting.shift()
      if (next) next()
      else inside--
    },
  }
}

function isEqual(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one, i) => one === b[i])
}
