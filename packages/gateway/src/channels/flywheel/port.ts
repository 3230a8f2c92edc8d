/**
 * The network of unmodified `hydra` services in Redis, as the rest of the gateway sees it (`flywheel.md` 1, 5.5, 5.6).
 *
 * @module
 */
import type { UmfMessage } from '@hydra-gateway/protocol/umf'
import type { ClientMail, InstanceCarrier, Peers } from '../../messaging/port.ts'

/** A field of `hydra:service:nodes`: an instance as it was seen last, alive or not. Extra members are kept. */
export interface NodeEntry {
  readonly serviceName: string
  readonly serviceDescription?: string
  readonly version?: string
  readonly instanceID: string
  /** ISO 8601. */
  readonly updatedOn: string
  readonly processID?: number
  readonly ip: string
  readonly port: number | string
  readonly hostName?: string
  readonly [more: string]: unknown
}

/** What the router API tells of a live instance beside its entry. */
export interface InstanceReport {
  readonly entry: NodeEntry
  /** `health`, when it is there just now: it comes and goes (`flywheel.md` 1.2). */
  readonly health?: Readonly<Record<string, unknown>>
  /** The newest three entries of its log. */
  readonly log: readonly unknown[]
}

/** What came on a channel of ours and is neither a refresh nor of the directory. `isBroadcast`: every router got it. */
export type OnNetworkMessage = (message: UmfMessage, info: { readonly isBroadcast: boolean }) => void

export interface FlywheelNetwork {
  /** Id of this node as a router: 32 lower-case hex digits. */
  readonly routerId: string
  /** Whether Redis can be reached. */
  readonly isReachable: boolean
  /** Live instances of services in Redis, those of other routers included, ours not. */
  instances(): Promise<readonly InstanceReport[]>
  /** Every entry of `hydra:service:nodes`. */
  nodes(): Promise<readonly NodeEntry[]>
  /** Removes entries of instances that are not there: clocks of others are not compared. Resolves with how many. */
  clear(): Promise<number>
  /** Services with routes, alive or not, with their members as they stand in Redis: `[get]/v1/x`. */
  routes(): ReadonlyMap<string, readonly string[]>
  /** Reads the routes of a service again, of all when it is absent; resolves once they are served. */
  refresh(service?: string): Promise<void>
  /**
   * Looks who is there now, for all who ask meanwhile, a few times a second at most. Resolves once those that were found
   * serve; false: nobody has looked. Never rejects.
   */
  look(): Promise<boolean>
  /** Carries messages to instances by their channels. */
  readonly carrier: InstanceCarrier
  /** Original routers and ours that share the Redis. */
  readonly peers: Peers
  /** Mail for classic clients, where original routers find it too. */
  readonly mail: ClientMail
  /** Puts a message into the queue of a service (`mqrecieved`). */
  queue(service: string, message: UmfMessage): Promise<void>
  /** Appends to a stream; resolves with the id Redis gave, with undefined when there is none and it may not be made. */
  append(
    stream: string,
    message: UmfMessage,
    options?: { /** @default true */ readonly mayMake?: boolean },
  ): Promise<string | undefined>
  /** Called with every message for this router from now on. */
  onMessage(listener: OnNetworkMessage): () => void
  /** Says goodbye (`wsdir.rem`), takes the presence back, ends. */
  close(): Promise<void>
}
