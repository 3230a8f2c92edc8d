/**
 * Keys and channels of `hydra` services, as their library has them (`flywheel.md` 1.2, 1.5).
 *
 * @module
 */
import { ROUTER_ROUTES } from '@hydra-gateway/protocol'
import { ROUTER_SERVICE } from '@hydra-gateway/protocol/umf'

const PREFIX = 'hydra:service'
/** Every instance that ever was: nobody but an operator removes any. */
export const NODES = `${PREFIX}:nodes`
/** What every service's routes end in. */
export const ROUTES_PATTERN = `${PREFIX}:*:service:routes`

/** Three keys: what waits, what was given and not taken, and the bytes of both. */
export const mailKeys = (client: string): [queued: string, processing: string, bytes: string] => {
  const key = `hydra-router:message:queue:${client}`
  return [`${key}:queued`, `${key}:processing`, `${key}:bytes`]
}

export const presenceKey = (service: string, id: string): string => `${PREFIX}:${service}:${id}:presence`
export const healthKey = (service: string, id: string): string => `${PREFIX}:${service}:${id}:health`
export const serviceKey = (service: string): string => `${PREFIX}:${service}:service`
export const routesKey = (service: string): string => `${PREFIX}:${service}:service:routes`
export const queueKey = (service: string): string => `${PREFIX}:${service}:mqrecieved`
export const streamKey = (name: string): string => `hydra:stream:${name}`

/** Every instance of a service listens here; with an id that one alone. */
export const channelOf = (service: string, id?: string): string =>
  `${PREFIX}:mc:${service}${id === undefined ? '' : `:${id}`}`

/** Ids of processes: UUIDs without dashes. */
export const INSTANCE_ID = /^[0-9a-f]{32}$/
/** Ids of clients, ours and those of original routers. */
export const CLIENT_ID = /^[0-9a-z]{1,128}$/

/** What stands in Redis as ours: routes of the router, and those of the original's page and library, which tools look for. */
export const OWN_ROUTES: readonly string[] = [
  ...ROUTER_ROUTES,
  '[get]/index.css',
  '[get]/index.js',
  '[get]/fonts/glyphicons-halflings-regular.ttf',
  '[get]/fonts/glyphicons-halflings-regular.woff',
  '[get]/fonts/glyphicons-halflings-regular.woff2',
  `[get]/${ROUTER_SERVICE}`,
  `[get]/${ROUTER_SERVICE}/`,
  `[get]/${ROUTER_SERVICE}/:rest`,
]
