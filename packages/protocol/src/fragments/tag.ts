/**
 * One fragment tag, read.
 *
 * `required` and `live` are boolean as in HTML: being there is what counts. One exception: `required="false"` is taken
 * for what it says, with a warning, since somebody who writes it means it.
 *
 * @module
 */
import { MOST_REF_LENGTH, MOST_SERVICE_LENGTH } from '../fragment-limits.ts'
import { readAttributes, type TagAttribute } from './attributes.ts'
import { decodeReferences } from './character-references.ts'
import { faultOfNames, readTransfers, type TextFault } from './lists.ts'
import { FragmentError, type FragmentTag, type Position, type Transfer } from './model.ts'
import { placesOf } from './position.ts'
import { attributesByName, createNotes, type TagNote } from './tag-notes.ts'

/** Longest time a tag may ask for, ms: what a timer takes. */
const MOST_TIMEOUT_MS = 2 ** 31 - 1
const TIMEOUT = /^(\d+(?:\.\d+)?)(ms|s)?$/

const LIKELY_MEANT: ReadonlyMap<string, string> = new Map([
  ['import', 'imports'],
  ['export', 'exports'],
])

const KNOWN = ['service', 'ref', 'imports', 'exports', 'timeout', 'required', 'live']

export interface ReadTag {
  readonly tag: FragmentTag
  /** Of its name: `m` in `<m:fragment …>`. Lower case, as HTML has names. */
  readonly prefix: string
  readonly warnings: readonly string[]
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
  const notes = createNotes(text, at)
  const { fail, warn } = notes

  const { tagName, attributes, openQuote } = readAttributes(text)
  const prefix = tagName.slice(0, Math.max(0, tagName.lastIndexOf(':')))
  if (openQuote !== undefined) fail(openQuote, 'this quote is never closed')

  const byName = attributesByName(attributes, { known: KNOWN, likelyMeant: LIKELY_MEANT }, notes)

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
  return { tag, prefix, ...notes.take() }
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
