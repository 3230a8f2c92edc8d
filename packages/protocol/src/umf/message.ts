/**
 * A message in the Universal Messaging Format, as both sides think of it: long names, whatever stood on the wire
 * (`docs/reference/protocols/umf.md`).
 *
 * @module
 */

/** A message that was found valid. */
export interface UmfMessage {
  /** Where it goes: `orders:/`, `orders:[get]/v1/orders/7`, `2945p8eigxz@client:/`. */
  readonly to: string
  readonly from: string
  /** Never empty: `{}` is the least. */
  readonly body: unknown
  /** Its own id. */
  readonly mid: string
  /** Id of the message it answers. */
  readonly rmid?: string
  /** ISO 8601, UTC, with ms. */
  readonly timestamp: string
  /** `UMF/1.4.6`; any is taken. */
  readonly version: string
  /** What kind of message it is, for whoever gets it; `msg` when absent. */
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Where it goes in the end. */
  readonly forward?: string
  /** The way an answer takes. */
  readonly via?: string
  /** Seconds. */
  readonly timeout?: number
  readonly signature?: string
  readonly authorization?: string
}

/** The parts of `to`, `forward` and `via`. */
export interface UmfAddress {
  /** Name, or `https://host:port` where a URL takes the place of one. */
  readonly service: string
  /** What stands before `@`, up to its first `-`: of `client` the client's id, otherwise an instance. */
  readonly instance?: string
  /** What stands behind that `-`. */
  readonly subid?: string
  /** Lower-case, of `[get]`. */
  readonly method?: string
  /** With query and later colons, as written. */
  readonly path: string
}

/** Why something is no message, or no address: the sentence of the originals where they have one. */
export class UmfError extends Error {
  override readonly name = 'UmfError'
  /** Id of the message it is about, where it could be read: answers name it. */
  readonly rmid: string | undefined

  constructor(reason: string, rmid?: string) {
    super(reason)
    this.rmid = rmid
  }
}

/** A message with more, or longer, headers than whoever reads it takes. */
export class UmfHeadersError extends UmfError {}
