/**
 * What the router API is told of the configuration, and its own limits. Fields are read where they are used, as they may
 * change while the gateway runs.
 *
 * @module
 */
import type { HeaderBounds } from '@hydra-gateway/protocol/umf'

export interface RouterApiSettings {
  /** What `?token=` has to be; empty: everybody may. */
  readonly routerToken: string
  /** Answer 404 for all of it. */
  readonly isDisabled: boolean
  /** Headers of every answer, by their names as they are sent. @default `access-control-allow-origin: *` alone */
  readonly cors?: Readonly<Record<string, string>> | undefined
  /** Where visitors reach this site: its pages may send messages in the name of who looks at them. */
  readonly publicUrl?: string | undefined
  /** Note requests and messages in `/v1/router/log`. */
  readonly debugLogging: boolean
  /** Operators have a port of their own: on the public one there are the POST endpoints and nothing else. */
  readonly hasControlPort: boolean
  /** Largest message. */
  readonly maxBytes: number
  readonly headerBounds: HeaderBounds
  /** Until a message has to have arrived whole, ms. */
  readonly bodyTimeoutMs: number
  /** How long `send` looks whether a message is refused before it is answered all the same, ms. @default 250 */
  readonly sendWaitMs?: number
  /** How long a list that was read in Redis may be given to others who ask, ms. @default 250 */
  readonly listForMs?: number
  /** Queues of services nobody knows, and streams, that this node lets messages make until it is started again. */
  readonly maxUnknownQueues: number
  readonly maxStreams: number
  /** Most requests for Redis to be read again at a time. @default 8 */
  readonly maxRefreshes?: number
}

export const routerApiDefaults = {
  sendWaitMs: 250,
  listForMs: 250,
  maxRefreshes: 8,
} as const
