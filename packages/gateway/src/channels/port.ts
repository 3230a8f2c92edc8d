/**
 * Channels: how services reach us. Every adapter turns its own wire into the same few calls on the registry.
 *
 * @module
 */
import type { Overview, Registration } from '@hydra-gateway/protocol'
import type { ChannelKind } from '../routing/upstream.ts'

/** Who is registering, as the adapter saw it. */
export interface Registrant {
  readonly channel: ChannelKind
  /** Address of the TCP peer; absent for operator config. */
  readonly peer?: string | undefined
  /** What of the registration may have been meant otherwise, in sentences. */
  readonly notes?: readonly string[]
}

/** What a registration came to. */
export interface Registered {
  readonly service: string
  readonly instanceId: string
  /** Revision of the table that contains it. */
  readonly revision: number
  /** Routes that are not served, each with its reason. */
  readonly refused: readonly { readonly path: string; readonly reason: string }[]
  /** What of it can hardly be meant, in sentences; it is served as it was said. */
  readonly warnings?: readonly string[]
  /** Base64 SPKI of the key it is told of: tokens for who holds only one are signed with it. */
  readonly publicKey: string | null
}

/**
 * What adapters may ask of the registry. All take effect in the routing table before they return or, for
 * `register`, before it resolves.
 */
export interface Registrar {
  /**
   * Takes a parsed registration, or throws HydraError (HYDRA_BAD_REGISTRATION, HYDRA_TOO_LARGE,
   * HYDRA_FORBIDDEN_ADDRESS) and changes nothing. Registering again replaces what the instance declared.
   */
  register(registration: Registration, registrant: Registrant): Promise<Registered>
  /** A sign of life; false when the instance is not known (any more). Brings a recovering one back. */
  beat(instanceId: string): boolean
  /** The channel closed: out of rotation in this tick, forgotten after the resume time unless it returns. */
  suspend(instanceId: string, reason: string): void
  /** Graceful stop: out of rotation, not expected back. `forget` drops the service's routes as well. */
  deregister(instanceId: string, options?: { readonly forget?: boolean }): boolean
  /**
   * Out of rotation for as long as its process runs: it finishes what was begun. False when it is not known, or drains
   * already.
   */
  drain(instanceId: string, reason: string): boolean
  /** Back into rotation; false when it is not known, or does not drain. */
  resume(instanceId: string, reason: string): boolean
  /** Instances of a service, for channels whose beats name only the service. */
  instancesOf(service: string): readonly KnownInstance[]
  /** What serving instances registered, by service. */
  active(): readonly { readonly serviceName: string; readonly registrations: readonly Registration[] }[]
  /** The list of services as it is now, without anything that is for operators only. */
  overview(): Overview
  /** Calls back after every change of the overview, with changes that come together as one. */
  onOverview(listener: (overview: Overview) => void): () => void
}

export interface KnownInstance {
  readonly id: string
  readonly channel: ChannelKind
  /** Host as the instance sent it, and the address requests go to. */
  readonly announcedHost: string
  readonly host: string
  readonly port: number
  /** Address of the peer that registered it. */
  readonly peer: string | undefined
  /** Id of the only key it holds; undefined of those that ask for keys. */
  readonly keyId: string | undefined
}

/**
 * What whoever looks for services by itself may ask of the registry: they say elsewhere that they are there (flywheel
 * presence in Redis). Their ids are those of their processes, `instanceId` of what is given.
 */
export interface Observer {
  /**
   * An instance was seen, or seen to be otherwise; nothing happens when all is as it was. Its address is admitted as that
   * of one that registers, and `isStill` asked once more after that: false ends it with undefined. Throws HydraError and
   * changes nothing.
   */
  observe(registration: Registration, isStill: () => boolean): Promise<Registered | undefined>
  /** It was not seen again: out of the table; the routes of its service stay known. */
  unobserve(id: string, reason: string): void
  isObserved(id: string): boolean
  /** A service has these routes and nobody there: 503. False when there is no room. */
  known(registration: Registration): boolean
  /** Whether it is known, with instances or without. */
  isKnown(service: string): boolean
  /** What was seen of a service without instances is gone. */
  unknown(service: string, reason: string): void
}
