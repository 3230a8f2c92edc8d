/**
 * The property: whatever our codec takes, llhttp takes with the same meaning, and our verdict is the same for every
 * way of cutting the bytes.
 *
 * @module
 */
import { readCase } from './codec.ts'
import { createRequestOracle, type Pieces, readResponse } from './llhttp.ts'
import type { Random } from './random.ts'
import { type Case, contradiction, lastLine, misreading, type Verdict } from './verdict.ts'

/** Messages up to this length are cut at every position. */
const EVERY_CUT_BYTES = 200

/** Byte by byte costs the square of the length. */
const BYTE_BY_BYTE_BYTES = 2000

export interface Oracle {
  /** What is wrong with our reading of this case, or undefined. `random` chooses the cuts of long ones. */
  check(tested: Case, random: Random): Promise<string | undefined>
  /** Connections checked, and the ways of cutting them. */
  readonly counts: Counts
}

export interface Counts {
  cases: number
  pairs: number
  /** Cases we took whole. */
  taken: number
  refused: number
}

export function createOracle(): Oracle {
  const requests = createRequestOracle()
  const counts: Counts = { cases: 0, pairs: 0, taken: 0, refused: 0 }

  return {
    counts,
    async check(tested, random) {
      const { bytes, kind, asked, closes, intended } = tested
      counts.cases += 1
      const whole = readCase(tested, [bytes.length])
      if (whole.ending === 'refused') counts.refused += 1
      else if (whole.messages.length > 0) counts.taken += 1

      const uneven = checkCuts(tested, whole, random)
      if (uneven) return uneven
      const misread = intended && misreading(whole, intended)
      if (misread) return misread

      const pieces = tellingPieces(tested, whole)
      if (bytes.length > 0 && random.once(2)) pieces.push(random.int(bytes.length))
      pieces.sort((a, b) => a - b)
      const theirs =
        kind === 'request' ? requests.read(bytes, pieces) : await readResponse(bytes, pieces, asked, closes)
      return contradiction(tested, whole, theirs)
    },
  }

  function checkCuts(tested: Case, whole: Verdict, random: Random): string | undefined {
    const { length } = tested.bytes
    const wanted = keyOf(whole)
    const isStepped = length <= BYTE_BY_BYTE_BYTES
    const stepped = isStepped ? readCase(tested, everyPosition(length)) : whole
    const tryCut = (pieces: Pieces): string | undefined => {
      counts.pairs += 1
      const verdict = readCase(tested, pieces)
      if (keyOf(verdict) !== wanted) return describe(pieces, whole, verdict)
      // A fault is told with the piece that has its byte in it.
      if (isStepped && verdict.refusedAt !== firstFrom(pieces, stepped.refusedAt)) {
        return `cut at ${pieces.join(', ')}: refused after ${verdict.refusedAt} bytes, byte by byte after ${stepped.refusedAt}`
      }
      return undefined
    }
    const found = tryCut([length]) ?? (isStepped ? tryCut(everyPosition(length)) : undefined)
    if (found) return found
    if (length <= EVERY_CUT_BYTES) {
      for (let at = 1; at < length; at += 1) {
        const uneven = tryCut([at, length])
        if (uneven) return uneven
      }
    }
    for (let left = length <= EVERY_CUT_BYTES ? 4 : 12; left > 0 && length > 1; left -= 1) {
      const pieces = [length]
      for (let cuts = random.between(1, 5); cuts > 0; cuts -= 1) pieces.push(cutPlace(random, length))
      const uneven = tryCut(pieces.sort((a, b) => a - b))
      if (uneven) return uneven
    }
    return undefined
  }
}

/** Anywhere; in long messages often near where our reader goes over to another way of reading. */
function cutPlace(random: Random, length: number): number {
  const corner = random.pick([2048, 4096, 16_384])
  return length > corner + 8 && random.once(3) ? corner + random.between(-8, 8) : random.int(length)
}

function everyPosition(length: number): number[] {
  return Array.from({ length }, (_, i) => i + 1)
}

/** Pieces that show whether a message ends exactly where we say (its last byte comes alone), and a last line alone. */
function tellingPieces(tested: Case, whole: Verdict): number[] {
  const pieces = [tested.bytes.length, lastLine(tested, whole)]
  for (const { isComplete, end } of whole.messages) if (isComplete) pieces.push(end - 1, end)
  return pieces
}

function firstFrom(pieces: Pieces, position: number): number {
  if (position === -1) return -1
  return pieces.find((end) => end >= position) ?? -1
}

function keyOf({ messages, ending, why }: Verdict): string {
  let key = `${ending} ${why}`
  for (const { first, fields, body, trailers, keeps, isComplete, end } of messages) {
    key += `\n${first}\n${fields.join('\n')}\n${body}\n${trailers.join('\n')}\n${keeps} ${isComplete} ${end}`
  }
  return key
}

function describe(pieces: Pieces, whole: Verdict, cut: Verdict): string {
  return `cut at ${pieces.join(', ')}: ${JSON.stringify(cut)}, whole: ${JSON.stringify(whole)}`
}
