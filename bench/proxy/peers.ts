/**
 * Who is measured: our gateway and what others use, each one process on one core with one worker.
 *
 * @module
 */
import type { ConfigInput } from '@hydra-gateway/gateway'
import { type RunningHydra, startHydra } from '../support/hydra.ts'
import { startNode } from '../support/node-peer.ts'
import type { Peer } from '../support/place.ts'
import { startCaddy } from './native/caddy.ts'
import { startHaproxy } from './native/haproxy.ts'
import { startNginx } from './native/nginx.ts'
import { PATHS } from './request.ts'
import type { ProxyPlace } from './stage.ts'

export interface ProxyPeer extends Peer<ProxyPlace> {
  /** It can take HTTP/2 over TLS. */
  readonly hasTls?: boolean
}

export const OURS = 'hydra'

export const PEERS: readonly ProxyPeer[] = [
  { name: OURS, hasTls: true, hasLog: true, start: (place) => startProxy(place) },
  { name: 'nginx', program: 'nginx', hasTls: true, hasLog: true, start: startNginx },
  { name: 'HAProxy', program: 'haproxy', hasTls: true, hasLog: true, start: startHaproxy },
  { name: 'Caddy', program: 'caddy', hasTls: true, hasLog: true, start: startCaddy },
  { name: 'http-proxy-3', hasLog: true, start: (place) => startOther('http-proxy-3', place) },
  { name: '@fastify/http-proxy', hasLog: true, start: (place) => startOther('fastify', place) },
]

/** Starts our gateway. A second service has a thousand routes, so that the table is not empty. */
export function startProxy(
  place: ProxyPlace,
  logLevel?: 'info' | 'silent',
  more: ConfigInput = {},
): Promise<RunningHydra | { readonly refused: string }> {
  const { backendPort, tls } = place
  const url = `http://127.0.0.1:${backendPort}`
  const config = {
    services: {
      shop: { url, routes: ['/**'], sockets: [PATHS.socket], login: 'cookie' },
      catalogue: {
        url,
        routes: Array.from({ length: 1000 }, (_, i) => `/catalogue/${i}/{article}`),
      },
    },
    ...(tls ? { tls: { cert: tls.cert, key: tls.key } } : {}),
    ...more,
  } satisfies ConfigInput
  return startHydra(place, config, logLevel)
}

function startOther(name: string, place: ProxyPlace) {
  return startNode(new URL(`peers/${name}.ts`, import.meta.url), [String(place.backendPort)], place)
}
