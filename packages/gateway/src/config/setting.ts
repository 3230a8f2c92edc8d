/**
 * Kinds of settings: what a person may write for one, and what the code gets.
 *
 * Every kind has one sentence that says what to write; it is the message of whatever goes wrong with it, and
 * the column "write" of the reference.
 *
 * @module
 */
import ipaddr from 'ipaddr.js'
import { z } from 'zod'

const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5 }
const SIZE_UNITS: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }

/** Node's timers take no more: 2^31 - 1 ms, a little less than 25 days. */
const LONGEST_MS = 2 ** 31 - 1

/** Reads `5000`, `'5000'`, `'5s'`, `'1.5h'`; undefined when it is none of that. */
export function parseDuration(given: unknown): number | undefined {
  return inUnits(given, DURATION_UNITS, 'ms')
}

/** Reads `1024`, `'1024'`, `'16KiB'`, `'8 MiB'`; undefined when it is none of that. */
export function parseSize(given: unknown): number | undefined {
  return inUnits(given, SIZE_UNITS, 'B')
}

function inUnits(
  given: unknown,
  units: Readonly<Record<string, number>>,
  unitless: string,
): number | undefined {
  if (typeof given === 'number') return Number.isFinite(given) && given >= 0 ? Math.round(given) : undefined
  if (typeof given !== 'string') return undefined
  const [, digits, unit] = /^(\d{1,15}(?:\.\d{1,6})?)\s?([A-Za-z]{1,3})?$/.exec(given.trim()) ?? []
  const factor = units[unit ?? unitless]
  return digits === undefined || factor === undefined ? undefined : Math.round(Number(digits) * factor)
}

/** What the reference and `hydra config` need to know of a setting. */
export interface Kind {
  readonly write: string
  /** The text a person would write for a value the code has; JSON when absent. */
  readonly show?: (value: number) => string
  /** Never shown, and in no problem. */
  readonly isSecret?: true
}

const kinds = new WeakMap<z.ZodType, Kind>()

/** The kind of a setting made here, by the innermost schema of it. */
export const kindOf = (schema: z.ZodType): Kind | undefined => kinds.get(schema)

/** A setting that is read by `read`; whatever it can't read is a problem whose fix is `write`. */
export function setting<In, Out>(write: string, read: (given: In) => Out | undefined, show?: Kind['show']) {
  const given = z.custom<In>((value) => read(value as In) !== undefined, { error: write })
  kinds.set(given, { write, ...(show ? { show } : {}) })
  return given.transform((value) => read(value) as Out)
}

/** The largest unit that shows the amount as a whole number. */
function inLargestUnit(amount: number, units: Readonly<Record<string, number>>): string {
  const [unit, factor] = Object.entries(units).findLast(([, each]) => amount > 0 && amount % each === 0) ?? [
    '',
    1,
  ]
  return `${amount / factor}${unit}`
}

/** A span of time: ms as a number, or text such as `5s`. The code gets ms. */
export function duration(leastMs = 1) {
  return setting<number | string, number>(
    'a duration such as 250ms, 5s, 10m or 24h, below 24d',
    (given) => {
      const ms = parseDuration(given)
      return ms !== undefined && ms >= leastMs && ms <= LONGEST_MS ? ms : undefined
    },
    (ms) => inLargestUnit(ms, DURATION_UNITS),
  )
}

/** An amount of bytes: a number, or text such as `8MiB`. The code gets bytes. */
export function size(leastBytes = 1) {
  const write = `a size such as 65536, 64KiB or 8MiB${leastBytes > 1 ? `, at least ${leastBytes}` : ''}`
  return setting<number | string, number>(
    write,
    (given) => {
      const bytes = parseSize(given)
      return bytes !== undefined && bytes >= leastBytes && Number.isSafeInteger(bytes) ? bytes : undefined
    },
    (bytes) => inLargestUnit(bytes, SIZE_UNITS),
  )
}

/** An amount of bytes that has an upper end as well: what is above would not fit elsewhere. */
export function limitedSize(leastBytes: number, mostBytes: number) {
  const write = `a size such as 65536, 64KiB or 1MiB, from ${leastBytes} to ${mostBytes}`
  return setting<number | string, number>(
    write,
    (given) => {
      const bytes = parseSize(given)
      return bytes !== undefined && bytes >= leastBytes && bytes <= mostBytes ? bytes : undefined
    },
    (bytes) => inLargestUnit(bytes, SIZE_UNITS),
  )
}

/** A whole number; text is taken too, because the environment has nothing else. */
export function count(least = 1, most = 1_000_000_000) {
  return setting<number | string, number>(`a whole number from ${least} to ${most}`, (given) => {
    const number = wholeNumber(given)
    return number !== undefined && number >= least && number <= most ? number : undefined
  })
}

/** How many processes serve: a number, or as many as there are cores. */
export function workers() {
  return setting<number | string, number | 'auto'>("a whole number from 1 to 256, or 'auto'", (given) => {
    if (given === 'auto') return given
    const number = wholeNumber(given)
    return number !== undefined && number >= 1 && number <= 256 ? number : undefined
  })
}

/** A port to listen on. */
export function port() {
  return setting<number | string, number>('a port from 1 to 65535, or 0 for any free one', (given) => {
    const number = wholeNumber(given)
    return number !== undefined && number <= 65_535 ? number : undefined
  })
}

function wholeNumber(given: unknown): number | undefined {
  if (typeof given === 'string' && !/^\d{1,15}$/.test(given.trim())) return undefined
  const number = typeof given === 'string' ? Number(given) : given
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : undefined
}

const WORDS_FOR_YES_AND_NO: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  [true, true],
  ['true', true],
  ['on', true],
  ['yes', true],
  [false, false],
  ['false', false],
  ['off', false],
  ['no', false],
])

/** Whether what was given means yes, before it is parsed. */
export const isYes = (given: unknown): boolean => WORDS_FOR_YES_AND_NO.get(given) === true

/** Yes or no: `on` and `off`, as environments say it, `true` and `false`, as files do, or `yes` and `no`. */
export function flag() {
  return setting<boolean, boolean>('on or off (true or false)', (given: unknown) =>
    WORDS_FOR_YES_AND_NO.get(given),
  )
}

/** One of some words. */
export function word<const Words extends readonly string[]>(...words: Words) {
  const write = `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
  return setting<Words[number], Words[number]>(write, (given) => (words.includes(given) ? given : undefined))
}

/** Text that isn't empty. */
export function text(write = 'some text', most = 65_536) {
  return setting<string, string>(write, (given) =>
    typeof given === 'string' && given.trim() !== '' && given.length <= most ? given : undefined,
  )
}

/** What a header says. Numbers, and yes and no, are taken for their text. */
export function headerValue() {
  const write = 'the value of the header, in one line'
  return setting<string | number | boolean, string>(write, (given: unknown) => {
    if (typeof given === 'number' || typeof given === 'boolean') return String(given)
    const isValue = typeof given === 'string' && given.length <= 4096 && HEADER_VALUE.test(given)
    return isValue ? given.trim() : undefined
  })
}

/** Visible signs of Latin-1, blanks and tabs. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff][\t\x20-\x7e\x80-\xff]*$/

/** What stands in place of a secret where the configuration is shown. It is refused as one. */
export const HIDDEN = '<hidden>'

/** Text that nobody is shown again. */
export function secret(write: string, most: number, pattern = /\S/) {
  const schema = setting<string, string>(write, (given) =>
    typeof given === 'string' && given.length <= most && given !== HIDDEN && pattern.test(given)
      ? given
      : undefined,
  )
  kinds.set(schema.in, { write, isSecret: true })
  return schema
}

/** A list, also as text with commas, because the environment has nothing else. */
function listOf(given: unknown): readonly unknown[] | undefined {
  if (typeof given !== 'string') return Array.isArray(given) ? given : undefined
  return given.split(',').flatMap((item) => item.trim() || [])
}

/** Words for ranges of addresses that would be tedious to list. */
export const ADDRESS_WORDS = ['loopback', 'private', 'any'] as const

/** Ranges of addresses: CIDRs, single addresses, and the words `loopback`, `private`, `any`. */
export function addresses() {
  const write = "a list of CIDRs such as 10.0.0.0/8, addresses, or the words 'loopback', 'private' and 'any'"
  return setting<readonly string[] | string, readonly string[]>(write, (given) => {
    const items = listOf(given)
    return items?.every(isAddressRange) ? (items as readonly string[]) : undefined
  })
}

function isAddressRange(item: unknown): boolean {
  if (typeof item !== 'string') return false
  if ((ADDRESS_WORDS as readonly string[]).includes(item)) return true
  return item.includes('/')
    ? ipaddr.isValidCIDR(item)
    : ipaddr.IPv4.isValidFourPartDecimal(item) || ipaddr.IPv6.isValid(item)
}

/** Characters of a key: the public one stands in URLs, the private one in a header. */
const KEY_CHARACTERS = { public: /^[\w.~-]{1,256}$/, private: /^[\x21-\x2b\x2d-\x7e]{1,1024}$/ } as const
const KEY_WRITE = {
  public: "letters, digits, -, _, . and ~, or 'new,old' for two that are valid at once",
  private: "a value without spaces and commas, or 'new,old' for two that are valid at once",
} as const

/** Keys, the newest first: `'new,old'` or a list. */
export function keyList(kind: 'public' | 'private') {
  return setting<readonly string[] | string, readonly string[]>(KEY_WRITE[kind], (given) => {
    const items = listOf(given)
    const isEach = items?.every((item) => typeof item === 'string' && KEY_CHARACTERS[kind].test(item))
    return items && items.length > 0 && isEach ? (items as readonly string[]) : undefined
  })
}

/** An http or https origin, without a path. The code gets it in its normal form. */
export function origin() {
  return setting<string, string>('an address such as https://shop.example.com, without a path', readOrigin)
}

/** Several origins. */
export function origins() {
  const write = 'a list of addresses such as https://shop.example.com, without a path'
  return setting<readonly string[] | string, readonly string[]>(write, (given) => {
    const read = listOf(given)?.map(readOrigin)
    return read?.every((item) => item !== undefined) ? (read as string[]) : undefined
  })
}

/** Scheme, host and port of an http or https address that has nothing else; undefined for all others. */
export function readOrigin(given: unknown): string | undefined {
  if (typeof given !== 'string' || !URL.canParse(given)) return undefined
  const { protocol, pathname, search, hash, username, password, origin } = new URL(given)
  const isBare = pathname === '/' && !search && !hash && !username && !password
  return isBare && (protocol === 'http:' || protocol === 'https:') ? origin : undefined
}
