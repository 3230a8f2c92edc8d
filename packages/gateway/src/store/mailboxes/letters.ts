/**
 * What is the same of a message in every kind of mailbox: its mark, and what of it fits.
 *
 * @module
 */
import { randomFillSync } from 'node:crypto'

/** Among so many of the newest messages one with the same mark is the same message. */
export const SAME_AMONG = 16

const MARK = /^[\w-]{1,64}$/

const MARK_BYTES = 9
/** Random bytes are asked for by the thousand: one call costs more than all that is done with them. */
const pool = Buffer.alloc(MARK_BYTES * 512)
let used = pool.length

export function makeMark(): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += MARK_BYTES
  return pool.toString('base64url', used - MARK_BYTES, used)
}

const READER = /^[^ ]{1,128} [^ ]{1,128}$/
const MOST_ABOUT = 16_384

/** Throws a RangeError for what can't be said of a mailbox. */
export function assertFacts({ about = '', reader = '' }: { about?: string; reader?: string }): void {
  if (reader !== '' && !READER.test(reader))
    throw new RangeError('a reader of a mailbox is a node and an id with a space between')
  if (about.length > MOST_ABOUT)
    throw new RangeError(`what is said of a mailbox has at most ${MOST_ABOUT} characters`)
}

/** The bytes of a message that may be appended. Throws a RangeError for one that may not. */
export function assertFits(text: string, mostBytes: number, mark: string): number {
  if (!MARK.test(mark))
    throw new RangeError('the mark of a message is 1 to 64 letters, digits, hyphens and underscores')
  const bytes = Buffer.byteLength(text)
  if (bytes > mostBytes)
    throw new RangeError(`a message of ${bytes} bytes is more than a mailbox may hold (${mostBytes})`)
  return bytes
}
