/**
 * What HTTP/2 can be told: how much one connection may ask for, and how often it may change its mind.
 *
 * @module
 */

/** Every value is needed; `http2Defaults` has one for each. Sizes are bytes. */
export interface Http2Settings {
  /** Requests of one connection at once; more are refused by the protocol itself and may be sent again. */
  readonly maxStreams: number
  /**
   * Bytes of one request body that may be on their way or wait here unread. Times `maxStreams` it bounds what one
   * connection can make us hold; divided by the round trip it is the fastest an upload can be.
   */
  readonly streamWindowBytes: number
  /** The same for all request bodies of a connection together. */
  readonly connectionWindowBytes: number
  /**
   * Requests a connection may break off in one go, and how many more each second. Each costs a visitor two frames
   * and us a request ("rapid reset", CVE-2023-44487). Browsers leave many at once when a page is left.
   */
  readonly resetBurst: number
  readonly resetsPerSecond: number
  /** The same for SETTINGS and PING frames, which all have to be answered (CVE-2019-9512, CVE-2019-9515). */
  readonly controlBurst: number
  readonly controlsPerSecond: number
  /** Frames that break the protocol before the connection is ended. */
  readonly maxInvalidFrames: number
}

export const http2Defaults: Http2Settings = Object.freeze({
  maxStreams: 100,
  streamWindowBytes: 256 * 1024,
  connectionWindowBytes: 1024 * 1024,
  resetBurst: 200,
  resetsPerSecond: 50,
  controlBurst: 200,
  controlsPerSecond: 50,
  maxInvalidFrames: 100,
})
