/**
 * The lists of a fragment tag: `imports="dob, countryOrigin as country"` (`medusa.md` 6.2).
 *
 * @module
 */
import { FragmentError, type Transfer } from './model.ts'
import { positionIn } from './position.ts'
import { copyValue } from './values.ts'

/** Longest name of a list, and most names in one. */
export const MOST_NAME_LENGTH = 250
export const MOST_TRANSFERS = 256

const SPACE = /[ \t\n\f\r]*/y
const WORD = /[^ \t\n\f\r,]*/y
const SEGMENT = /[A-Za-z_$][\w$-]*/y
const NAME = /[A-Za-z_$][\w$-]*(?:\.[A-Za-z_$][\w$-]*)*/y
const WHOLE_NAME = /^[A-Za-z_$][\w$-]*(?:\.[A-Za-z_$][\w$-]*)*$/
const PLACEHOLDER = /\$\{([^{}]*)\}/g

/** Something wrong in a text: where, counting from 0, and a sentence that says what to do. */
export interface TextFault {
  readonly index: number
  readonly sentence: string
}

export interface ReadList {
  /** Those before the fault, if there is one. */
  readonly transfers: readonly Transfer[]
  readonly fault?: TextFault
}

/**
 * Reads a list; empty text is an empty list.
 *
 * @throws FragmentError FragmentSyntaxError; its place counts from line 1, column 1 of the list
 */
export function parseTransfers(list: string): Transfer[] {
  const { transfers, fault } = readTransfers(list)
  if (fault) {
    const at = positionIn(list, fault.index)
    const where = at.line === 1 ? `column ${at.column}` : `line ${at.line}, column ${at.column}`
    throw new FragmentError('FragmentSyntaxError', `${where} of the list: ${fault.sentence}`, { at })
  }
  return [...transfers]
}

/** The same without throwing. */
export function readTransfers(list: string): ReadList {
  const transfers: Transfer[] = []
  const fail = (index: number, sentence: string): ReadList => ({ transfers, fault: { index, sentence } })

  let at = after(SPACE, list, 0)
  while (at < list.length) {
    const item = readItem(list, at)
    if ('fault' in item) return fail(item.fault.index, item.fault.sentence)
    transfers.push(item.transfer)
    if (transfers.length > MOST_TRANSFERS) return fail(at, `a list has at most ${MOST_TRANSFERS} names`)
    // Behind an item stands a comma or the end; a comma may be the last thing there is.
    at = after(SPACE, list, item.end + 1)
  }
  return { transfers }
}

/** `name`, or `name as alias` where they differ: the form of the wire. */
export function formatTransfer({ from, to }: Transfer): string {
  return from.slice(from.lastIndexOf('.') + 1) === to ? from : `${from} as ${to}`
}

/** What a dotted name begins with: the attribute somebody has to provide. */
export function rootOf(name: string): string {
  const dot = name.indexOf('.')
  return dot === -1 ? name : name.slice(0, dot)
}

/**
 * The value of a possibly dotted name, a copy of it as JSON says it; undefined when it is not there, or nested deeper
 * than `MOST_VALUE_DEPTH`. Own properties only.
 */
export function readValue(attributes: Readonly<Record<string, unknown>>, name: string): unknown {
  return copyValue(find(attributes, name))
}

/**
 * Fills `${name}` in a service or ref; undefined when a name is not there, or is no string or number. Text that
 * comes from a value is never filled again.
 */
export function fillNames(text: string, attributes: Readonly<Record<string, unknown>>): string | undefined {
  let isWhole = true
  const filled = text.replace(PLACEHOLDER, (_, inner: string) => {
    const value = find(attributes, inner.trim())
    if (typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value))) return `${value}`
    isWhole = false
    return ''
  })
  return isWhole ? filled : undefined
}

/** What is wrong with the `${name}`s of a service or ref. */
export function faultOfNames(text: string): TextFault | undefined {
  for (let index = text.indexOf('${'); index !== -1; index = text.indexOf('${', index + 2)) {
    const end = text.indexOf('}', index)
    const inner = end === -1 ? undefined : text.slice(index + 2, end).trim()
    if (inner === undefined)
      return { index, sentence: `this "\${" is never closed: write "}" behind the name` }
    if (!WHOLE_NAME.test(inner)) {
      return { index, sentence: `"\${${inner}}" holds no name: only an attribute of the page can stand here` }
    }
  }
  return undefined
}

type Item = { readonly transfer: Transfer; readonly end: number } | { readonly fault: TextFault }

/** Reads `name [as alias]` at `start`; `end` is the comma behind it, or the end of the list. */
function readItem(list: string, start: number): Item {
  const nameEnd = after(NAME, list, start)
  const name = list.slice(start, nameEnd)
  const nameFault = faultOfWord(list, start, nameEnd)
  if (nameFault) return { fault: nameFault }

  const next = after(SPACE, list, nameEnd)
  if (isItemEnd(list, next)) return { transfer: { from: name, to: lastOf(name) }, end: next }

  const word = wordAt(list, next)
  if (word !== 'as') return { fault: faultBetween(name, start, word, next) }

  const aliasStart = after(SPACE, list, next + 2)
  if (isItemEnd(list, aliasStart)) {
    return {
      fault: {
        index: next,
        sentence: `a name is missing behind "as": write "${name} as another", or "${name}" alone`,
      },
    }
  }
  const aliasEnd = after(SEGMENT, list, aliasStart)
  if (aliasEnd > aliasStart && list[aliasEnd] === '.') {
    const alias = wordAt(list, aliasStart)
    return {
      fault: {
        index: aliasEnd,
        sentence: `the name behind "as" has no dots: write "${name} as ${alias.slice(alias.lastIndexOf('.') + 1) || 'another'}"`,
      },
    }
  }
  const aliasFault = faultOfWord(list, aliasStart, aliasEnd)
  if (aliasFault) return { fault: aliasFault }

  const end = after(SPACE, list, aliasEnd)
  if (!isItemEnd(list, end)) return { fault: missingComma(wordAt(list, end), end) }
  return { transfer: { from: name, to: list.slice(aliasStart, aliasEnd) }, end }
}

/** What is wrong with the word of which `start` to `end` can be read as a name. */
function faultOfWord(list: string, start: number, end: number): TextFault | undefined {
  const character = String.fromCodePoint(list.codePointAt(end) ?? 0x2c)
  if (end > start) {
    if (end - start > MOST_NAME_LENGTH) {
      return { index: start, sentence: `a name has at most ${MOST_NAME_LENGTH} characters` }
    }
    if (isItemEnd(list, end) || after(SPACE, list, end) > end) return undefined
    if (character === '.') {
      return { index: end, sentence: 'behind a dot comes a name that begins with a letter, "_" or "$"' }
    }
    return {
      index: end,
      sentence: `${shown(character)} can't stand in a name, which has letters, digits, "_", "$" and "-"`,
    }
  }
  if (character === ',') {
    return { index: start, sentence: 'a name is missing before this comma: take the comma out' }
  }
  return {
    index: start,
    sentence: `a name begins with a letter, "_" or "$", not with ${shown(character)}`,
  }
}

function faultBetween(name: string, start: number, word: string, index: number): TextFault {
  if (word.toLowerCase() === 'as') return { index, sentence: `write "as" in lower case, not "${word}"` }
  if (name === 'as') {
    return { index: start, sentence: `a name is missing before "as": write "name as ${word}"` }
  }
  return missingComma(word, index)
}

function missingComma(word: string, index: number): TextFault {
  return { index, sentence: `a comma is missing before "${word}"` }
}

function find(attributes: Readonly<Record<string, unknown>>, name: string): unknown {
  let value: unknown = attributes
  for (const segment of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment)) return undefined
    value = (value as Record<string, unknown>)[segment]
  }
  return value
}

/** Where `pattern`, which is sticky, ends when it begins at `start`; `start` itself when it doesn't match. */
function after(pattern: RegExp, text: string, start: number): number {
  pattern.lastIndex = start
  return pattern.test(text) ? pattern.lastIndex : start
}

function wordAt(list: string, start: number): string {
  return list.slice(start, after(WORD, list, start))
}

function isItemEnd(list: string, index: number): boolean {
  return index >= list.length || list[index] === ','
}

function lastOf(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}

/** A character as people can see it. */
function shown(character: string): string {
  if (/[\p{L}\p{N}\p{P}\p{S}]/u.test(character)) return character === '"' ? `'"'` : `"${character}"`
  return `the character U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`
}
