/**
 * Header lines: one pass over the bytes that checks them and notes where each line's name and value stand.
 *
 * @module
 */
import { COLON, CR, LF, LOWER, SP, TAB, TOKEN, VALUE } from './classes.ts'
import {
  BARE_CR,
  BARE_LF,
  HEAD_TOO_LARGE,
  NAME_GRAMMAR,
  OBS_FOLD,
  SPACE_BEFORE_COLON,
  TOO_MANY_LINES,
  VALUE_GRAMMAR,
} from './faults.ts'
import { AGAIN, judge, LAST_JUDGED } from './framing.ts'
import { DISGUISED, identify } from './names.ts'
import { scratch } from './scratch.ts'

/** More bytes are needed to say anything about a head. */
export const INCOMPLETE = 0

export interface HeadLimits {
  /** Bytes of a head with its first and its empty line. */
  readonly maxHeadBytes: number
  readonly maxHeaderLines: number
  readonly maxTargetBytes: number
}

/** Where the lines of the head parsed last stand, shared by all: valid until another head is parsed. */
export interface LineTable {
  count: number
  /** Ids of names.ts. */
  id: Uint8Array
  nameAt: Int32Array
  nameEnd: Int32Array
  /** The value without the blanks around it. */
  valueAt: Int32Array
  valueEnd: Int32Array
  /** After CR LF. */
  lineEnd: Int32Array
}

class SharedTable implements LineTable {
  count = 0
  /** The head whose lines these are. */
  owner: object | undefined = undefined
  id: Uint8Array
  nameAt: Int32Array
  nameEnd: Int32Array
  valueAt: Int32Array
  valueEnd: Int32Array
  lineEnd: Int32Array

  constructor(lines: number) {
    this.id = new Uint8Array(lines)
    this.nameAt = new Int32Array(lines)
    this.nameEnd = new Int32Array(lines)
    this.valueAt = new Int32Array(lines)
    this.valueEnd = new Int32Array(lines)
    this.lineEnd = new Int32Array(lines)
  }

  grow(lines: number): void {
    this.id = new Uint8Array(lines)
    this.nameAt = new Int32Array(lines)
    this.nameEnd = new Int32Array(lines)
    this.valueAt = new Int32Array(lines)
    this.valueEnd = new Int32Array(lines)
    this.lineEnd = new Int32Array(lines)
  }
}

export const table = new SharedTable(128)

/**
 * Looks at four bytes at once for one below SP or DEL; 0 when there is none. The lowest bit that is set is the high
 * bit of the first such byte; higher ones mean nothing.
 */
function oddBytes(word: number): number {
  const noDel = word ^ 0x7f7f7f7f
  return (((word - 0x20202020) & ~word) | ((noDel - 0x01010101) & ~noDel)) & 0x80808080
}

/**
 * Reads lines of the scratch from `start` up to and with the empty one, into the shared table, where `base` is
 * added to their positions.
 *
 * There are `length` bytes. `isWhole` says that no more would be taken: then a head without an end is too large, else
 * it is incomplete. Returns the position after the empty line, INCOMPLETE, or a fault.
 */
export function scanLines(
  start: number,
  length: number,
  base: number,
  isWhole: boolean,
  maxLines: number,
  kind: number,
): number {
  if (maxLines > table.id.length) table.grow(maxLines)
  const { id: ids, nameAt, nameEnd, valueAt, valueEnd, lineEnd } = table
  const { bytes, view } = scratch
  const overrun = isWhole ? HEAD_TOO_LARGE : INCOMPLETE
  let at = start
  let count = 0
  for (;;) {
    const from = at
    let hash = 0
    let lower = LOWER[bytes[at]!]!
    if (lower !== 0 && count === maxLines) return TOO_MANY_LINES
    while (lower !== 0) {
      hash = (Math.imul(hash, 31) + lower) | 0
      at += 1
      lower = LOWER[bytes[at]!]!
    }
    let id = DISGUISED
    if (bytes[at] === COLON && at !== from) {
      id = identify(from, at, hash)
    } else {
      if (at === length) return overrun
      if (at === from) {
        if (bytes[at] === CR) {
          if (at + 1 === length) return overrun
          if (bytes[at + 1] !== LF) return BARE_CR
          table.count = count
          return at + 2
        }
        if (count === maxLines) return TOO_MANY_LINES
      }
      while (TOKEN[bytes[at]!] === 1) at += 1
      if (at === length) return overrun
      if (bytes[at] !== COLON || at === from) return nameFault(bytes[at]!, at === from)
    }
    nameAt[count] = base + from
    nameEnd[count] = base + at

    do at += 1
    while (bytes[at] === SP || bytes[at] === TAB)
    const valueFrom = at
    let odd = oddBytes(view.getInt32(at, true))
    while (odd === 0) {
      at += 4
      odd = oddBytes(view.getInt32(at, true))
    }
    at += (31 - Math.clz32(odd & -odd)) >> 3
    // Nearly always a CR; behind an HTAB the value goes on.
    while (VALUE[bytes[at]!] === 1) at += 1
    if (bytes[at] !== CR) {
      if (at === length) return overrun
      return bytes[at] === LF ? BARE_LF : VALUE_GRAMMAR
    }
    let valueTo = at
    while (valueTo > valueFrom && (bytes[valueTo - 1] === SP || bytes[valueTo - 1] === TAB)) valueTo -= 1
    if (bytes[at + 1] !== LF) return at + 1 === length ? overrun : BARE_CR
    at += 2
    ids[count] = id
    valueAt[count] = base + valueFrom
    valueEnd[count] = base + valueTo
    lineEnd[count] = base + at
    count += 1
    if (id !== 0 && id <= LAST_JUDGED && kind !== AGAIN) {
      const fault = judge(kind, id, valueFrom, valueTo, at)
      if (fault !== 0) return fault
    }
  }
}

/** Says what is wrong with the byte after (or, at the first, instead of) a name. */
export function nameFault(byte: number, isFirst: boolean): number {
  if (byte === SP || byte === TAB) return isFirst ? OBS_FOLD : SPACE_BEFORE_COLON
  if (byte === LF) return BARE_LF
  return NAME_GRAMMAR
}
