/**
 * What the primary process and its workers say to each other over the channel they were started with. Plain data, as
 * the structured clone takes it.
 *
 * @module
 */
import type { FeltState, Overview, OverviewService } from '@hydra-gateway/protocol'
import type { Config } from '../config.ts'
import type { Manifest } from '../routing/route.ts'
import type { Instance, Service } from '../routing/upstream.ts'
import type { KeyRingStore, Revocation } from '../store/identity/port.ts'

/** What a worker has to know before anything else. */
export interface WorkerStart {
  readonly name: string
  readonly config: Config
  readonly keys: { readonly publicKey: readonly string[]; readonly privateKey: readonly string[] }
  /** Whether people sign in here. */
  readonly hasIdentity: boolean
  /** Where it hands on what the primary answers. */
  readonly relay: { readonly socketPath: string; readonly secret: string }
  readonly logStyle: LogStyle
}

/** What the command was told of the look of its log. */
export interface LogStyle {
  readonly colour?: boolean | undefined
  readonly ascii?: boolean | undefined
}

/** One service as the table has it now; without `change` it was forgotten. */
export interface ServiceDelta {
  readonly name: string
  readonly change?: {
    readonly service: Service
    readonly group: string | undefined
    readonly rank: number
    /** Those the worker has are named by their hash. */
    readonly manifests: readonly (string | Manifest)[]
    /** By number; those the worker has not come along. */
    readonly instances: readonly (number | readonly [number: number, instance: Instance])[]
    /** Ids of instances that can be asked over their channel. */
    readonly lines: readonly string[]
  }
}

/** What of the overview a worker needs. */
export interface OverviewDelta {
  readonly hash: string
  /** Absent: as before. */
  readonly menus?: Overview['menus']
  /** Changed or new. */
  readonly endpoints: readonly (readonly [service: string, endpoints: OverviewService['endpoints']])[]
  readonly gone: readonly string[]
}

/** Signing keys, as they are stored. */
export type SealedRing = NonNullable<Awaited<ReturnType<KeyRingStore['load']>>>

/** Everything that changed since the one before. The next is sent when it was acknowledged. */
export interface Update {
  readonly number: number
  /** Of the primary's table. */
  readonly revision: number
  /** Read again since. */
  readonly config?: Config
  /** The store was read once; until then an address that is not in the table may be another node's. */
  readonly knowsAll?: true
  readonly services?: readonly ServiceDelta[]
  readonly overview?: OverviewDelta
  readonly health?: readonly (readonly [service: string, state: Exclude<FeltState, 'down'>])[]
  readonly resting?: readonly (readonly [instance: string, resting: boolean])[]
  readonly ring?: SealedRing
  readonly revocations?: readonly Revocation[]
  /** Until when sessions last, as somebody saw it. */
  readonly sessions?: readonly (readonly [sid: string, endsAt: number])[]
}

export type ToWorker =
  | { readonly kind: 'start'; readonly start: WorkerStart }
  | { readonly kind: 'update'; readonly update: Update }
  /** Listens from now on: what it has is everything. */
  | { readonly kind: 'listen' }
  | { readonly kind: 'metrics'; readonly ask: number }
  /** Until when a session lasts, as it was asked for; undefined: nobody can say now. */
  | { readonly kind: 'lasts'; readonly sid: string; readonly endsAt: number | undefined }
  /** Reads certificates again. */
  | { readonly kind: 'reload' }
  /** Stops in order, and ends. */
  | { readonly kind: 'drain'; readonly graceMs: number; readonly idleMs: number; readonly spreadMs: number }
  | { readonly kind: 'item'; readonly call: number; readonly item: unknown; readonly sizeBytes: number }
  | { readonly kind: 'oversize'; readonly call: number; readonly sizeBytes: number }
  | { readonly kind: 'ended'; readonly call: number; readonly error: LineError | undefined }

/** An RSocketError on its way. */
export interface LineError {
  readonly code: number
  readonly message: string
  readonly problem: string | undefined
}

/** Counts of one instance since the last time, but for those in flight: `VITAL_COUNTS` in order. */
export type CountRow = readonly [instance: string, inFlight: number, ...counts: number[]]

/** A session, as a token of it says. */
export interface SeenNote {
  readonly session: {
    readonly sid: string
    readonly startedAt: number
    readonly sessionEndsAt: number
    readonly identities: readonly unknown[]
    readonly providers: readonly string[]
    readonly revocableAs: readonly string[]
  }
  readonly address: string | undefined
}

/** A request for the log of the router API, and when it was over, epoch ms. */
export interface NotedRequest {
  readonly entry: {
    readonly method: string
    readonly path: string
    readonly status: number
    readonly service?: string
  }
  readonly at: number
}

export type FromWorker =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'failed'; readonly message: string; readonly code: string | undefined }
  | { readonly kind: 'applied'; readonly number: number }
  /** Each second, whether there is anything to tell or not: a sign of life. */
  | {
      readonly kind: 'report'
      readonly counts: readonly CountRow[]
      readonly rssBytes: number
      readonly seen: readonly SeenNote[]
      /** Requests by the rules of hydra-router since the last time, the newest, while they are to be noted. */
      readonly requests: readonly NotedRequest[]
    }
  | { readonly kind: 'turned'; readonly instance: string; readonly resting: boolean }
  | { readonly kind: 'metrics'; readonly ask: number | undefined; readonly text: string }
  | { readonly kind: 'socket'; readonly socket: number; readonly note: SeenNote | undefined }
  /** Asks until when a session lasts. */
  | { readonly kind: 'lasts'; readonly sid: string }
  | { readonly kind: 'wanted'; readonly menu: string; readonly service: string; readonly path: string }
  | {
      readonly kind: 'call'
      readonly call: number
      readonly instance: string
      readonly way: 'stream' | 'ask'
      readonly route: string
      readonly data: Uint8Array
      readonly maxItemBytes: number | undefined
    }
  | { readonly kind: 'cancel'; readonly call: number }
