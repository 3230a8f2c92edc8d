/**
 * Reads the rest of an answer that nobody wants, so that its connection can be used again.
 *
 * @module
 */
import type { Deadlines, Waiting } from './deadlines.ts'
import type { Pool } from './pool.ts'
import type { ConnectionUser, ServiceConnection } from './service-connection.ts'
import { SENT } from './wire.ts'

/** Answers up to here are read to keep their connection; what is longer costs more than a new one. */
const MOST_BYTES = 64 * 1024
/** How long that may take. */
const DISCARD_MS = 1000

/** The head of an answer to `method` came: has its body of `bodyBytes` (-1 for unknown) read away, or ends the connection. */
export function discardAnswer(
  method: string,
  bodyBytes: number,
  pool: Pool,
  connection: ServiceConnection,
  deadlines: Deadlines,
): void {
  if (bodyBytes >= 0 && bodyBytes <= MOST_BYTES)
    connection.user = new Discarder(method, pool, connection, deadlines)
  else connection.destroy()
}

class Discarder implements Waiting, ConnectionUser {
  deadline: number
  before: Waiting | undefined = undefined
  behind: Waiting | undefined = undefined
  readonly method: string
  readonly #deadlines: Deadlines
  readonly #pool: Pool
  readonly #connection: ServiceConnection

  constructor(method: string, pool: Pool, connection: ServiceConnection, deadlines: Deadlines) {
    this.method = method
    this.#deadlines = deadlines
    this.deadline = deadlines.after(DISCARD_MS)
    deadlines.add(this)
    this.#pool = pool
    this.#connection = connection
  }

  onConnected(): void {}
  onConnectError(): void {}
  onInterim(): void {}
  onAnswer(): void {}
  onReadEnd(): void {}

  onBroken(): void {
    this.#deadlines.delete(this)
  }

  expire(): void {
    this.onGarbage()
  }

  onAnswerBody(): typeof SENT {
    return SENT
  }

  onAnswerEnd(isReusable: boolean): void {
    this.#deadlines.delete(this)
    if (isReusable) this.#pool.release(this.#connection)
    else this.#connection.destroy()
  }

  onGarbage(): void {
    this.#deadlines.delete(this)
    this.#connection.destroy()
  }
}
