/**
 * What ours is compared with: the messages and addresses of `hydra` 1.9.3 itself, and messages to try them with.
 *
 * @module
 */
import { createRequire } from 'node:module'
import fc from 'fast-check'
import type { UmfMessage } from '../message.ts'
import type { UmfSource } from '../read.ts'

interface OriginalMessage {
  toJSON(): Record<string, unknown>
  toShort(): Record<string, unknown>
  validate(): boolean
}

/** An address as the original reads it. */
export interface OriginalRoute {
  readonly instance: string
  readonly subID: string
  readonly serviceName: string
  readonly httpMethod?: string
  readonly apiRoute: string
  readonly error: string
}

export const original = createRequire(import.meta.url)('hydra/lib/umfmessage.js') as {
  createMessage(message: object): OriginalMessage
  parseRoute(address: string): OriginalRoute
}

/** Ids and times that repeat. */
export const source: UmfSource = { now: () => Date.UTC(2026, 0, 2), newId: () => 'new-id' }

const text = fc.string({ minLength: 1, maxLength: 30 })

/** What a body may be: anything but nothing. */
export const body = fc.jsonValue().filter(Boolean)

/** Any valid message. */
export const message: fc.Arbitrary<UmfMessage> = fc.record(
  {
    to: text,
    from: text,
    headers: fc.dictionary(text, text),
    mid: text,
    rmid: text,
    signature: text,
    timeout: fc.integer({ min: 1, max: 100_000 }),
    timestamp: text,
    type: text,
    version: text,
    via: text,
    forward: text,
    body,
    authorization: text,
  },
  { requiredKeys: ['to', 'from', 'mid', 'timestamp', 'version', 'body'] },
)
