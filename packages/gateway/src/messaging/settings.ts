/**
 * Settings of messaging: limits and patience. Fields are read where they are used, as they may change meanwhile.
 *
 * @module
 */
import type { FlywheelSettings } from '../proxy/flywheel-settings.ts'
import type { ProxySettings } from '../proxy/settings.ts'

export interface MessageSettings {
  /** Largest message. */
  readonly maxBytes: number
  /** Most open sockets. */
  readonly maxClients: number
  readonly maxClientsPerAddress: number
  /** Messages a client may send in one go, and each second after. */
  readonly burst: number
  readonly perSecond: number
  /** Most bytes that wait for a client. */
  readonly maxBehindBytes: number
  /** The same for all clients together. */
  readonly maxBehindTotalBytes: number
  /** Most bytes that have come of messages that are not whole, of all clients together. */
  readonly maxUnfinishedTotalBytes: number
  /** Headers of a message of a client, and characters of them. */
  readonly maxHeaders: number
  readonly maxHeaderBytes: number
  /** Sessions that resume, begun from one network each minute. */
  readonly sessionsPerMinute: number
  readonly heartbeatMs: number
  /** Until a service has to have taken a message, or answered one with a method. */
  readonly callTimeoutMs: number
  /** What is kept for one client that is away. */
  readonly keepMessages: number
  readonly keepBytes: number
  readonly keepMs: number
  /** How long the session of a client is kept that never said anything, got nothing and did not come back. */
  readonly keepUnusedMs: number
  /** How often nodes compare what they know of each other's clients. @default 5000 */
  readonly directoryCompareMs?: number
}

/** What hydra-router could be told of sockets, beside what requests follow. While it is enabled, messages come on any path. */
export interface RouterSettings extends FlywheelSettings {
  readonly forceMessageSignature: boolean
  readonly requireWebsocketAuth: boolean
  readonly websocketAuthService: string | undefined
  readonly websocketAuthServiceAPI: string | undefined
}

export type OriginSettings = Pick<ProxySettings, 'allowedOrigins' | 'publicUrl'>
