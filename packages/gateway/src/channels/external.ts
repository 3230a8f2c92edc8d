/**
 * Services elsewhere: routes an operator gave to an address, as `externalRoutes` of hydra-router (`flywheel.md` 3.8). Each
 * address is a configured service whose name is that address.
 *
 * @module
 */
import { readFlywheelRoute, routeDeclaration } from '@hydra-gateway/protocol'
import type { Log } from '../observe/log.ts'
import type { StaticService } from './static.ts'

export interface ExternalSettings {
  /** Members as hydra services have them, `[get]/v1/x/:id`, by `https://api.example:8443`. */
  readonly externalRoutes: Readonly<Record<string, readonly string[]>>
}

/** Reads them; what can't be read is left out and said. Addresses were checked with the configuration. */
export function externalServices(
  { externalRoutes }: ExternalSettings,
  log: Pick<Log, 'warn'>,
): readonly StaticService[] {
  const services = new Map<string, StaticService>()
  for (const [address, members] of Object.entries(externalRoutes)) {
    const { protocol, hostname, port } = new URL(address)
    const isTls = protocol === 'https:'
    // As it was written, so that it is found again: with a port even where that is the usual one.
    const name = address.replace(/\/$/, '').toLowerCase()
    const routes = members.flatMap((member) => {
      const read = routeOf(member)
      if (typeof read !== 'string') return [read]
      log.warn({ service: name, route: member, reason: read }, 'route of a service elsewhere left out')
      return []
    })
    services.set(name, {
      name,
      instances: [
        {
          protocol: isTls ? 'https' : 'http',
          host: hostname.replace(/^\[|\]$/g, ''),
          port: port === '' ? (isTls ? 443 : 80) : Number(port),
          weight: 10,
          version: 0,
        },
      ],
      routes: [...(services.get(name)?.routes ?? []), ...routes],
      sockets: [],
      statics: [],
      affinity: false,
      menu: {},
      login: 'none',
      preserveHost: false,
      tls: {},
    })
  }
  return [...services.values()]
}

/** A route, or why it is none. */
function routeOf(member: string): StaticService['routes'][number] | string {
  try {
    const { methods, path } = readFlywheelRoute(member)
    const read = routeDeclaration.safeParse({
      path,
      dialect: 'route-parser',
      ...(methods && { methods: [...methods] }),
    })
    return read.success ? read.data : (read.error.issues[0]?.message ?? 'not a route')
  } catch (error) {
    return error instanceof Error ? error.message : 'not a route'
  }
}
