/**
 * Our codec, driven the way a connection drives it: bytes arrive in pieces, heads wait until they are whole, bodies
 * leave at once.
 *
 * Where a piece stands in memory, what stands around it, and whether other heads are parsed in between must make no
 * difference, so all of that varies here.
 *
 * @module
 */
import { ChunkedReader, DONE, MORE } from '../chunked.ts'
import { FAULTS } from '../faults.ts'
import {
  CLOSE,
  type Head,
  type HeadLimits,
  KEEP,
  latin1,
  RequestHead,
  ResponseHead,
  SWITCH,
} from '../head.ts'
import { DISGUISED, HYDRA, NAMES, X_FORWARDED } from '../names.ts'
import { parseRequestHead } from '../request-head.ts'
import { parseResponseHead } from '../response-head.ts'
import type { Pieces } from './llhttp.ts'
import type { Case, Message, Verdict } from './verdict.ts'

const USUAL: HeadLimits = { maxHeadBytes: 16 * 1024, maxHeaderLines: 100, maxTargetBytes: 8 * 1024 }
const TIGHT: HeadLimits = { maxHeadBytes: 120, maxHeaderLines: 4, maxTargetBytes: 24 }

/** What stands after the bytes that have arrived: whatever could change a reading that looks too far. */
const POISON = [0x0a, 0x0d, 0x20, 0x3a, 0x61, 0x00, 0x30, 0x09]

const HEAD = 0
const LENGTH = 1
const CHUNKED = 2
const UNTIL_CLOSE = 3

const STRANGER = Buffer.from('PUT /another HTTP/1.1\r\nHost: another\r\nContent-Length: 77\r\n\r\n')

const requestHeads = [new RequestHead(), new RequestHead()] as const
const responseHeads = [new ResponseHead(), new ResponseHead()] as const
const stranger = new RequestHead()
const reader = new ChunkedReader()
let arrived: Buffer = Buffer.alloc(0)
let aside: Buffer = Buffer.alloc(0)
let rounds = 0

/** Reads the case in pieces. */
export function readCase({ kind, bytes, asked, closes, isTight }: Case, pieces: Pieces): Verdict {
  rounds += 1
  const poison = POISON[rounds % POISON.length]!
  const base = rounds % 3
  const { length } = bytes
  if (arrived.length < length + 64) {
    arrived = Buffer.alloc(length * 2 + 64)
    aside = Buffer.alloc(length * 2 + 64)
  }
  arrived.fill(poison, 0, length + 64)
  const limits = isTight ? TIGHT : USUAL
  const verdict: Verdict = { messages: [], ending: 'open', why: '', refusedAt: -1 }
  let have = 0
  let at = 0
  let phase = HEAD
  let left = 0
  let message: Message | undefined

  const finish = (): void => {
    message!.isComplete = true
    message!.end = at
    phase = HEAD
    if (!message!.keeps || (kind === 'response' && !isInformational(message!))) verdict.ending = 'closed'
  }
  const refuse = (fault: number): void => {
    verdict.ending = 'refused'
    verdict.why = FAULTS[-fault]!.word
    verdict.refusedAt = have
  }

  for (const end of pieces) {
    bytes.copy(arrived, base + have, have, end)
    have = end
    while (at < have && verdict.ending === 'open') {
      if (phase === HEAD) {
        const head = kind === 'request' ? requestHeads[rounds & 1]! : responseHeads[rounds & 1]!
        const after =
          head instanceof RequestHead
            ? parseRequestHead(arrived, base + at, base + have, limits, head)
            : parseResponseHead(arrived, base + at, base + have, limits, head)
        if (after === 0) break
        if (after < 0) {
          refuse(after)
          break
        }
        // The table of lines is shared: a head must find its lines again after another one was parsed.
        if (rounds % 5 === 0) parseRequestHead(STRANGER, 0, STRANGER.length, USUAL, stranger)
        at = after - base
        if (rounds % 4 === 0) checkTable(head)
        message = messageOf(head, bytes.length)
        verdict.messages.push(message)
        phase = framing(head, asked)
        left = head.contentLength
        if (phase === CHUNKED) reader.reset()
        if (phase === UNTIL_CLOSE) message.keeps = false
        if (phase === HEAD || (phase === LENGTH && left === 0)) finish()
      } else if (phase === CHUNKED) {
        const size = have - at
        const from = rounds % 7
        aside.fill(poison, 0, from + size + 16)
        arrived.copy(aside, from, base + at, base + have)
        let position = from
        while (position < from + size && reader.state === MORE) {
          position = reader.read(aside, position, from + size)
          message!.body += latin1(aside, reader.dataAt, reader.dataEnd)
        }
        at += position - from
        if (reader.state === DONE) {
          message!.trailers = trailersOf(reader.trailers)
          finish()
        } else if (reader.state !== MORE) refuse(reader.state)
      } else {
        const taken = phase === LENGTH ? Math.min(left, have - at) : have - at
        message!.body += latin1(bytes, at, at + taken)
        at += taken
        left -= taken
        if (phase === LENGTH && left === 0) finish()
      }
    }
    if (verdict.ending !== 'open') return verdict
  }
  if (phase === UNTIL_CLOSE && closes) finish()
  return verdict
}

function messageOf(head: Head, end: number): Message {
  const { minor, connection } = head
  const lasts = minor === 1 ? (connection & CLOSE) === 0 : (connection & KEEP) !== 0
  const first =
    head instanceof RequestHead
      ? `${head.method} ${head.target} ${minor}`
      : `${(head as ResponseHead).status} ${minor} ${(head as ResponseHead).reason}`
  // What follows a wish to upgrade, or 101, is not ours to read; Node leaves it unread as well.
  const leaves =
    head instanceof RequestHead
      ? head.hasUpgrade && (connection & SWITCH) !== 0
      : (head as ResponseHead).status === 101
  return {
    first,
    fields: head.flat(),
    body: '',
    trailers: [],
    keeps: lasts && !leaves,
    isComplete: false,
    end,
  }
}

/** Lines are copied to the other side by these positions, and recognised by these numbers: throws where they lie. */
function checkTable(head: Head): void {
  const { count, id, nameAt, nameEnd, valueAt, valueEnd, lineEnd } = head.lines()
  let at = head.linesAt
  for (let i = 0; i < count; i += 1) {
    const name = latin1(head.bytes, nameAt[i]!, nameEnd[i]!).toLowerCase()
    const isTiled =
      nameAt[i] === at &&
      valueAt[i]! > nameEnd[i]! &&
      valueEnd[i]! >= valueAt[i]! &&
      valueEnd[i]! <= lineEnd[i]! - 2 &&
      latin1(head.bytes, lineEnd[i]! - 2, lineEnd[i]!) === '\r\n'
    if (!isTiled) throw new Error(`line ${i + 1} of a head is not where the table says`)
    if (id[i] !== idOf(name)) throw new Error(`${name} has the number ${id[i]}`)
    at = lineEnd[i]!
  }
  if (count !== head.lineCount || at + 2 !== head.end)
    throw new Error('a head has lines that are not in the table')
}

function idOf(name: string): number {
  if (name.includes('_')) return DISGUISED
  if (name.startsWith('x-forwarded-')) return X_FORWARDED
  const known = NAMES.indexOf(name)
  if (known > 0) return known
  return name.startsWith('hydra-') ? HYDRA : 0
}

/** RFC 9112, 6.3: how the body of this message is delimited. */
function framing(head: Head, asked: 'GET' | 'HEAD'): number {
  if (head instanceof ResponseHead) {
    const { status } = head
    if (status < 200 || status === 204 || status === 304 || asked === 'HEAD') return HEAD
    if (!head.isChunked && head.contentLength === -1) return UNTIL_CLOSE
  }
  if (head.isChunked) return CHUNKED
  return head.contentLength === -1 ? HEAD : LENGTH
}

function isInformational({ first }: Message): boolean {
  return first.startsWith('1') && !first.startsWith('101')
}

function trailersOf(lines: string): string[] {
  const trailers: string[] = []
  for (const line of lines.split('\r\n')) {
    if (line === '') continue
    const colon = line.indexOf(': ')
    trailers.push(line.slice(0, colon), line.slice(colon + 2))
  }
  return trailers
}
