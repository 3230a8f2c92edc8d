/**
 * What the data plane knows of services: instances to send requests to, and the facts an answer needs when
 * there is none. Plain frozen data; counters and health live beside it, keyed by instance id (`vitals.ts`).
 *
 * @module
 */
import type { Awakening, Login, RefDeclaration } from '@hydra-gateway/protocol'
import type { Access } from './route.ts'

export interface Address {
  readonly protocol: 'http' | 'https'
  /** IP address or name to connect to. Names of registered services are resolved by the control plane. */
  readonly host: string
  readonly port: number
  /** Server name for TLS and its verification, and own CA (PEM); https only. */
  readonly serverName?: string
  readonly ca?: string
  /** False accepts any certificate: operator config only. @default true */
  readonly verify?: boolean
  /** Path of a local socket that is connected to instead: another process of this gateway. */
  readonly socketPath?: string
}

/** Where instances come from. */
export type ChannelKind = 'rsocket' | 'http' | 'static' | 'flywheel'

/**
 * True for the name of a service elsewhere (`flywheel.externalRoutes`), which is its address. Nobody can register under
 * such a name.
 */
export function isExternal(service: string): boolean {
  return service.startsWith('http://') || service.startsWith('https://')
}

/** One running process of a service that may be sent requests. */
export interface Instance {
  readonly id: string
  readonly service: string
  /** Hash of the routes it declared; instances of one service and one manifest are interchangeable. */
  readonly manifest: string
  readonly channel: ChannelKind
  readonly address: Address
  readonly version: string | number
  readonly weight: number
  readonly awakening: Awakening
  /** True when a visitor must stay on this instance. */
  readonly affinity: boolean
  /** Host header towards the instance; the visitor's own when absent. */
  readonly hostHeader?: string
  /** It speaks our additions to Medusa's protocol (`protocol: 1`). */
  readonly isOurs?: boolean
  /** Fragments it renders, by ref, each with whom it is for; undefined when it doesn't say, as Medusa's applications: any may be asked for. */
  readonly refs?: ReadonlyMap<string, RefDeclaration>
  /** Whom fragments are for that `refs` doesn't name. @default everybody */
  readonly access?: Access
  /** Those of `refs` that are not asked for, as they would break pages that are served; with the reason. */
  readonly refusedRefs?: ReadonlyMap<string, string>
  /** How it is told who calls. @default 'cookie', 'none' for static ones */
  readonly login?: Login
  /** Id of the key it verifies tokens with, when it can hold only one (Medusa's applications); any when absent. */
  readonly keyId?: string
  /** Stands before the names of its cookies in the browser; absent: they go as they are. */
  readonly cookiePrefix?: string
  /** Its pages ask for fragments: it is told the visitor's context (`hydra-context`). */
  readonly asksFragments?: boolean
  /** Messages can be brought to it over its line. @default false */
  readonly takesMessages?: boolean
  /** Another process of this gateway: gets requests as they came, and what it answers goes on as it is. */
  readonly isGateway?: boolean
}

/** What is known of a service beside its instances. */
export interface Service {
  readonly name: string
  /** What visitors call it, such as Orders. */
  readonly title: string
  readonly channel: ChannelKind
  /** HTML, a path, or an http(s) URL; shown when nobody answers (design D11). */
  readonly fallback?: string
  /** When its last instance left, epoch ms; absent while one is there. */
  readonly downSince?: number
}
