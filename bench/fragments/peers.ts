/**
 * Who composes the page: our gateway, whose services are asked over HTTP or over their channels, a service with our
 * SDK, and what others use. Each is on one core.
 *
 * @module
 */
import { startHydra } from '../support/hydra.ts'
import { startNode } from '../support/node-peer.ts'
import type { Peer, Running } from '../support/place.ts'
import type { Profiled } from '../support/profile.ts'
import { startNginxSsi } from './native/nginx-ssi.ts'
import { startVarnishEsi } from './native/varnish-esi.ts'
import type { Dialect } from './page.ts'
import { startService } from './service-peer.ts'
import type { PagePlace } from './stage.ts'

export interface PagePeer extends Peer<PagePlace> {
  readonly dialect: Dialect
  /** It asks a service for its page; others have it themselves. */
  readonly asksForPage: boolean
}

/** One of ours, with its processes that can be asked where their time goes. */
export interface RunningOurs extends Running {
  readonly profiled: Readonly<Record<string, Profiled>>
}

export interface OurPeer extends PagePeer {
  start(place: PagePlace): Promise<RunningOurs | { readonly refused: string }>
}

/** The targets are for the first. */
export const OURS: readonly OurPeer[] = [
  { name: 'hydra-http', start: (place) => startGateway(place, 'http'), ...composing('hydra') },
  { name: 'hydra-rsocket', start: (place) => startGateway(place, 'rsocket'), ...composing('hydra') },
  { name: 'hydra-sdk', start: startService, ...composing('hydra'), asksForPage: false },
]

export const PEERS: readonly PagePeer[] = [
  ...OURS,
  { name: 'nginx', program: 'nginx', start: startNginxSsi, ...composing('ssi') },
  { name: 'varnish', program: 'varnishd', start: startVarnishEsi, ...composing('esi') },
  {
    name: 'podium',
    start: (place) => startOther('podium', place),
    ...composing('podium'),
    asksForPage: false,
  },
  { name: 'tailorx', start: (place) => startOther('tailorx', place), ...composing('tailor') },
]

function composing(dialect: Dialect) {
  return { dialect, asksForPage: true, hasLog: true }
}

async function startGateway(place: PagePlace, parts: 'http' | 'rsocket') {
  const gateway = await startHydra(place, {})
  if ('refused' in gateway) return gateway
  try {
    await place.join({ gatewayPort: gateway.port, parts, hasPage: true })
  } catch (error) {
    await gateway.end()
    throw error
  }
  return { ...gateway, profiled: { gateway } }
}

function startOther(name: string, place: PagePlace) {
  const ports = [place.pagePort, ...place.partPorts].map(String)
  return startNode(new URL(`peers/${name}.ts`, import.meta.url), ports, place)
}
