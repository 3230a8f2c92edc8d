/**
 * One request of the gateway's own for a message, to one instance; its answer is gathered. How it gets its connection,
 * and what is done with it, is in `proxy/own-exchange.ts`.
 *
 * @module
 */
import type { ResponseHead } from '../http1/head.ts'
import type { OwnRequests } from '../proxy/forward.ts'
import { isIdempotent } from '../proxy/methods.ts'
import { OwnExchange, type OwnExchangeFacts, type OwnFailure } from '../proxy/own-exchange.ts'
import type { ServiceOutput } from '../proxy/service-output.ts'
import { SMALL_PIECE_BYTES } from '../proxy/wire.ts'
import type { Instance } from '../routing/upstream.ts'
import { countAnswer } from '../routing/vitals.ts'

export interface OwnAnswer {
  readonly status: number
  /** Lower-case names; of repeated ones the first. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export interface OwnRequestParts extends OwnExchangeFacts {
  readonly method: string
  /** The request line and all header lines, with the empty one. */
  readonly head: Buffer
  readonly body: Buffer
}

/** Sends it; resolves with what came of it in time. Never rejects. */
export function sendOwnRequest(
  own: OwnRequests,
  instance: Instance,
  parts: OwnRequestParts,
): Promise<OwnAnswer | OwnFailure> {
  return new Promise((resolve) => new OwnRequest(own, instance, parts, resolve).start())
}

class OwnRequest extends OwnExchange {
  readonly method: string
  readonly #parts: OwnRequestParts
  readonly #settle: (outcome: OwnAnswer | OwnFailure) => void
  #status = 0
  readonly #headers: Record<string, string> = {}
  readonly #pieces: Buffer[] = []

  constructor(
    own: OwnRequests,
    instance: Instance,
    parts: OwnRequestParts,
    settle: (outcome: OwnAnswer | OwnFailure) => void,
  ) {
    super(own, instance, parts)
    this.method = parts.method
    this.#parts = parts
    this.#settle = settle
  }

  protected write(output: ServiceOutput): void {
    const { head, body } = this.#parts
    output.ownHead(head.length + (body.length > SMALL_PIECE_BYTES ? 0 : body.length)).bytes(head)
    if (body.length > 0) output.piece(body, false)
  }

  protected get mayRepeat(): boolean {
    return isIdempotent(this.method)
  }

  protected get isFelt(): boolean {
    return true
  }

  /** Whatever it is, it is the answer. */
  protected accept(head: ResponseHead): boolean {
    countAnswer(this.vitals, head.status, false)
    this.#status = head.status
    const flat = head.flat()
    for (let i = 0; i < flat.length; i += 2) this.#headers[flat[i]!.toLowerCase()] ??= flat[i + 1]!
    return true
  }

  protected onPiece(bytes: Buffer): void {
    // That memory is read into again.
    this.#pieces.push(Buffer.from(bytes))
  }

  protected onWhole(): void {
    const body = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces)
    this.#settle({ status: this.#status, headers: this.#headers, body })
  }

  protected onFailure(failure: OwnFailure): void {
    this.#settle(failure)
  }
}
