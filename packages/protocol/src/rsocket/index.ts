/**
 * The channel between a service and the gateway: RSocket 1.0 with JSON data, for links somebody else opens.
 *
 * Application code uses `createPeer` and `ROUTES`; `createFrameReader` and `withLength` are for TCP links.
 *
 * @module
 */
export type { Ended, Limits, Link } from './connection.ts'
export { isUnknownRoute, RSocketError } from './error.ts'
export { UNLIMITED } from './frame.ts'
export { createFrameReader, type FrameReader, withLength } from './frame-reader.ts'
export type { Credentials } from './metadata.ts'
export {
  createPeer,
  type LinkedPeer,
  type Peer,
  type PeerDeps,
  type RouteHandlers,
  type Setup,
  type Sink,
  type StreamReceiver,
} from './peer.ts'
export type { Timers } from './silence.ts'
export type { Source } from './streams.ts'
export { sendTogether } from './together.ts'
export * from './words.ts'
