/**
 * Reads messages: long and short names, one check for both. What is found valid has texts where texts belong, whatever
 * the sender wrote.
 *
 * @module
 */
import { isJsonTooDeep } from '../json-depth.ts'
import { MAX_ADDRESS_LENGTH } from './address.ts'
import { type HeaderBounds, headersFault, LONG_HEADERS } from './header-bounds.ts'
import { UmfError, UmfHeadersError, type UmfMessage } from './message.ts'
import { UMF_VERSION } from './words.ts'

/** Where what a message does not say comes from. */
export interface UmfSource {
  /** Epoch ms. */
  now(): number
  /** Id for a message that has none; a UUID, as those of the original. */
  newId(): string
  /** Takes messages without `from`, which becomes empty: routers answer pings with such. */
  readonly mayLackFrom?: boolean
  /** @default HEADER_BOUNDS for texts; for what was parsed already their number only */
  readonly headerBounds?: HeaderBounds
}

/** The sentence of the original. */
const INCOMPLETE = 'UMF message requires "to", "from" and "body" fields'

/** Characters of ids, types and the like: more is no name of anything. */
const MAX_NAME_LENGTH = 256

/**
 * Makes a message of what JSON said. A long name wins over its short one; what is `null`, `""`, `0` or `false` is absent,
 * as in the original. Names that are not in the table are dropped. How deep the body is nested, whoever parsed it has seen to.
 *
 * @throws UmfError saying what is wrong, with the message's id where it has one
 */
export function readUmf(value: unknown, source: UmfSource): UmfMessage {
  if (typeof value !== 'object' || value === null) throw new UmfError(INCOMPLETE)
  const given = value as Readonly<Record<string, unknown>>
  const mid = asName(given.mid, 'mid', undefined)
  const field = (long: string, short: string): unknown => given[long] || given[short]
  const from = field('from', 'frm')
  const body = field('body', 'bdy')
  if (!given.to || !body || (!from && !source.mayLackFrom)) throw new UmfError(INCOMPLETE, mid)

  const rmid = asName(field('rmid', 'rmi'), 'rmid', mid)
  const type = asName(field('type', 'typ'), 'type', mid)
  const headers = asHeaders(field('headers', 'hdr'), mid, source.headerBounds ?? LONG_HEADERS)
  const signature = asName(field('signature', 'sig'), 'signature', mid)
  const timeout = asSeconds(field('timeout', 'tmo'), mid)
  const via = asAddress(given.via, 'via', mid)
  const forward = asAddress(field('forward', 'fwd'), 'forward', mid)
  const authorization = asText(field('authorization', 'aut'), 'authorization', mid)
  // One after the other: to spread an object for each that may be absent costs more than to parse them all.
  const message: Mutable<UmfMessage> = {
    to: asAddress(given.to, 'to', mid)!,
    from: asAddress(from, 'from', mid) ?? '',
    mid: mid ?? source.newId(),
    timestamp: asName(field('timestamp', 'ts'), 'timestamp', mid) ?? new Date(source.now()).toISOString(),
    version: asName(field('version', 'ver'), 'version', mid) ?? UMF_VERSION,
    body,
  }
  if (headers) message.headers = headers
  if (rmid) message.rmid = rmid
  if (signature) message.signature = signature
  if (timeout) message.timeout = timeout
  if (type) message.type = type
  if (via) message.via = via
  if (forward) message.forward = forward
  if (authorization) message.authorization = authorization
  return message
}

type Mutable<Value> = { -readonly [Name in keyof Value]: Value[Name] }

/**
 * Makes a message of JSON text.
 *
 * @throws UmfError for text that is no JSON, is nested too deep, or says no message
 */
export function parseUmf(text: string, source: UmfSource): UmfMessage {
  return readUmf(parseJson(text, source), source)
}

function parseJson(text: string, { headerBounds }: UmfSource): unknown {
  if (isJsonTooDeep(text)) throw new UmfError('UMF message is nested too deep')
  const fault = headersFault(text, headerBounds)
  if (fault !== undefined) throw new UmfHeadersError(fault)
  try {
    return JSON.parse(text)
  } catch {
    throw new UmfError('UMF message is not JSON')
  }
}

function asText(value: unknown, name: string, mid: string | undefined): string | undefined {
  if (!value) return undefined
  if (typeof value === 'string') return value
  throw new UmfError(`UMF message field "${name}" must be a string`, mid)
}

function asAddress(value: unknown, name: string, mid: string | undefined): string | undefined {
  return atMost(MAX_ADDRESS_LENGTH, asText(value, name, mid), name, mid)
}

/** The original takes anything here, and some count their messages: numbers become text. */
function asName(value: unknown, name: string, mid: string | undefined): string | undefined {
  const text = typeof value === 'number' && value ? String(value) : asText(value, name, mid)
  return atMost(MAX_NAME_LENGTH, text, name, mid)
}

function atMost(most: number, text: string | undefined, name: string, mid: string | undefined) {
  if (text !== undefined && text.length > most)
    throw new UmfError(`UMF message field "${name}" is longer than ${most} characters`, mid)
  return text
}

function asSeconds(value: unknown, mid: string | undefined): number | undefined {
  if (!value) return undefined
  const seconds = typeof value === 'string' ? Number(value) : value
  if (typeof seconds === 'number' && seconds >= 0 && seconds < Number.POSITIVE_INFINITY) return seconds
  throw new UmfError('UMF message field "timeout" must be a number of seconds', mid)
}

function asHeaders(
  value: unknown,
  mid: string | undefined,
  { maxHeaders, maxHeaderBytes }: HeaderBounds,
): Readonly<Record<string, string>> | undefined {
  if (!value) return undefined
  if (typeof value !== 'object' || Array.isArray(value))
    throw new UmfError('UMF message field "headers" must be an object', mid)
  const entries = Object.entries(value)
  if (entries.length > maxHeaders)
    throw new UmfHeadersError(`UMF message field "headers" has more than ${maxHeaders} members`, mid)
  let length = 0
  for (const [name, each] of entries) length += name.length + (typeof each === 'string' ? each.length : 0)
  if (length > maxHeaderBytes)
    throw new UmfHeadersError(`UMF message field "headers" is longer than ${maxHeaderBytes} characters`, mid)
  const isText = entries.every(([, each]) => typeof each === 'string')
  if (isText) return value as Readonly<Record<string, string>>
  // `fromEntries` makes own members of any name, `__proto__` included.
  return Object.fromEntries(
    entries.map(([name, each]) => {
      if (!['string', 'number', 'boolean'].includes(typeof each))
        throw new UmfError('UMF message field "headers" must have strings as values', mid)
      return [name, String(each)]
    }),
  )
}
