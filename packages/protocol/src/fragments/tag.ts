/**
 * One fragment tag, read.
 *
 * `required` and `live` are boolean as in HTML: being there is what counts. One exception: `required="false"` is taken
 * for what it says, with a warning, since somebody who writes it means it.
 *
 * @module
 */
import { MOST_REF_LENGTH, MOST_SERVICE_LENGTH } from '../fragment-limits.ts'
import { nearest } from '../nearest.ts'
import { readAttributes, type TagAttribute } from './attributes.ts'
import { decodeReferences } from './character-references.ts'
import { faultOfNames, readTransfers, type TextFault } from './lists.ts'
import { FragmentError, type FragmentTag, type Position, type Transfer } from './model.ts'
import { placesOf, positionIn } from './position.ts'

/** Longest time a tag may ask for, ms: what a timer takes. */
const MOST_TIMEOUT_MS = 2 ** 31 - 1
const TIMEOUT = /^(\d+(?:\.\d+)?)(ms|s)?$/

const LIKELY_MEANT: ReadonlyMap<string, string> = new Map([
  ['import', 'imports'],
  ['export', 'exports'],
])

const KNOWN = ['service', 'ref', 'imports', 'exports', 'timeout', 'required', 'live']
/** What elements have anyway; the name of a namespace may be anything. */
const OF_ANY_ELEMENT = /^(?:class|id|slot|style|data-.*|xmlns(?::.*)?)$/s
/** A longer name is no slip of a known one, and costs nothing. */
const MOST_SLIP_LENGTH = 16
/** Nor are any looked for in a tag with more attributes than anybody writes. */
const MOST_COMPARED = 64

export interface ReadTag {
  readonly tag: FragmentTag
  /** Of its name: `m` in `<m:fragment …>`. Lower case, as HTML has names. */
  readonly prefix: string
  readonly warnings: readonly string[]
}

/** Something about a tag: where, and a sentence. */
export interface TagNote {
  readonly at: Position
  readonly sentence: string
}

/** A tag with whatever is wrong with it. */
export interface LooseTag {
  /** What could be read; `ref` is empty where it is missing. */
  readonly tag: FragmentTag
  readonly prefix: string
  readonly faults: readonly TagNote[]
  readonly warnings: readonly TagNote[]
}

/**
 * Reads a start tag as the scanner found it, from `<` to `>`. Attribute values are decoded (character references).
 *
 * @throws FragmentError FragmentSyntaxError with the place of what is wrong, counted from `at`
 */
export function parseFragmentTag(text: string, at: Position): ReadTag {
  const { tag, prefix, faults, warnings } = readFragmentTag(text, at)
  const place = placesOf()
  const [fault] = faults
  if (fault) {
    throw new FragmentError('FragmentSyntaxError', `${place(fault.at)}: ${fault.sentence}`, { at: fault.at })
  }
  return { tag, prefix, warnings: warnings.map((note) => `${place(note.at)}: ${note.sentence}`) }
}

/** The same without throwing: all faults at once, those with the earliest place first. */
export function readFragmentTag(text: string, at: Position): LooseTag {
  const found: { readonly index: number; readonly sentence: string; readonly isFault: boolean }[] = []
  const fail = (index: number, sentence: string) => found.push({ index, sentence, isFault: true })
  const warn = (index: number, sentence: string) => found.push({ index, sentence, isFault: false })

  const { tagName, attributes, openQuote } = readAttributes(text)
  const prefix = tagName.slice(0, Math.max(0, tagName.lastIndexOf(':')))
  if (openQuote !== undefined) fail(openQuote, 'this quote is never closed')

  const byName = new Map<string, TagAttribute>()
  for (const attribute of attributes) {
    const { name, value, isQuoted, nameAt, valueAt } = attribute
    if (byName.has(name)) warn(nameAt, `${name} stands here a second time: only the first one counts`)
    else byName.set(name, attribute)
    const meant = LIKELY_MEANT.get(name)
    if (meant) warn(nameAt, `"${name}" means nothing: write ${meant}="${value ?? ''}"`)
    const slip = meant || byName.size > MOST_COMPARED ? undefined : slipOf(name)
    if (slip) warn(nameAt, `"${name}" means nothing; did you mean ${slip}?`)
    if (!isQuoted && value?.endsWith('/')) {
      const rest = value.slice(0, -1)
      warn(
        valueAt,
        `the slash belongs to the value "${value}": write ${name}="${rest}"/> if it closes the tag`,
      )
    }
  }

  const read = <T>(name: string, absent: T, parse: (value: string, attribute: TagAttribute) => T): T => {
    const attribute = byName.get(name)
    return attribute?.value === undefined ? absent : parse(attribute.value, attribute)
  }
  const readText = (name: string, most: number): string =>
    read(name, '', (raw, { valueAt }) => {
      const { text: value, rawIndex } = decodeReferences(raw)
      const fault = faultOfNames(value)
      if (fault) fail(valueAt + rawIndex(fault.index), fault.sentence)
      const trimmed = value.trim()
      if (trimmed.length > most) fail(valueAt, `${name} has at most ${most} characters`)
      return trimmed
    })
  const readList = (name: string): readonly Transfer[] =>
    read(name, [], (raw, { valueAt }) => {
      const { text: value, rawIndex } = decodeReferences(raw)
      const { transfers, fault } = readTransfers(value)
      if (fault) fail(valueAt + rawIndex(fault.index), `${name}: ${fault.sentence}`)
      return transfers
    })
  const readFlag = (name: string): boolean => {
    const attribute = byName.get(name)
    const value = decodeReferences(attribute?.value ?? '')
      .text.trim()
      .toLowerCase()
    if (attribute && value === 'false') {
      warn(attribute.nameAt, `${name}="false" is read as if it were not there: leave ${name} out`)
    } else if (!['', 'true', name].includes(value)) {
      warn(attribute!.nameAt, `${name}="${attribute!.value}" is read as ${name}: it takes no value`)
    }
    return attribute !== undefined && value !== 'false'
  }

  const service = readText('service', MOST_SERVICE_LENGTH)
  const ref = readText('ref', MOST_REF_LENGTH)
  if (ref === '' && openQuote === undefined) {
    fail(
      byName.get('ref')?.nameAt ?? 0,
      `a fragment tag says in ref which fragment it wants: write <${tagName} ref="name">`,
    )
  }
  const tag: FragmentTag = {
    service: service === 'self' ? '' : service,
    ref,
    imports: readList('imports'),
    exports: readList('exports'),
    timeoutMs: read('timeout', undefined, (raw, { valueAt }) => {
      const timeout = readTimeout(decodeReferences(raw).text)
      if (typeof timeout === 'number') return timeout
      fail(valueAt + timeout.index, timeout.sentence)
      return undefined
    }),
    required: readFlag('required'),
    live: readFlag('live'),
    at,
  }
  found.sort((one, other) => one.index - other.index)
  const faults: TagNote[] = []
  const warnings: TagNote[] = []
  // Each is counted from the one before: a tag may have as many notes as it has letters.
  let seen = { index: 0, at }
  for (const { index, sentence, isFault } of found) {
    seen = { index, at: positionIn(text, index, seen.at, seen.index) }
    const notes = isFault ? faults : warnings
    notes.push({ at: seen.at, sentence })
  }
  return { tag, prefix, faults, warnings }
}

/** The attribute somebody meant who wrote another name. */
function slipOf(name: string): string | undefined {
  if (KNOWN.includes(name) || name.length > MOST_SLIP_LENGTH || OF_ANY_ELEMENT.test(name)) return undefined
  return nearest(name, KNOWN)
}

/** `800`, `800ms`, `1.5s`: milliseconds, at least one. */
function readTimeout(text: string): number | TextFault {
  const value = text.trim()
  const [, digits, unit] = TIMEOUT.exec(value) ?? []
  if (digits === undefined) {
    return { index: 0, sentence: `timeout="${value}" is no time: write "800", "800ms" or "1.5s"` }
  }
  const timeoutMs = Math.round(Number(digits) * (unit === 's' ? 1000 : 1))
  if (timeoutMs < 1) return { index: 0, sentence: `timeout="${value}" leaves no time: it is at least 1 ms` }
  if (timeoutMs > MOST_TIMEOUT_MS) {
    return { index: 0, sentence: `timeout="${value}" is too long: at most ${MOST_TIMEOUT_MS} ms, 24 days` }
  }
  return timeoutMs
}
