/**
 * Where a text stops being JSON, without showing what stands in it: a parser's own words quote it, and it may hold
 * passwords.
 *
 * @module
 */

const SPACE = /[ \t\n\r]*/y
const TEXT = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/y
const PLAIN = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y

/** What may come next; `first` are those that may also be the end of what was just opened. */
type Awaited = 'value' | 'first value' | 'name' | 'first name' | 'colon' | 'next' | 'end'

/** Characters that can be told: they are JSON's own, and no part of a secret. */
const MARKS = '[]{},:'

/** What is wrong, and the index of the sign it is seen at; undefined for what is JSON. */
export interface JsonFault {
  /** Such as `unexpected "]" at character 62`; characters count from 1. */
  readonly is: string
  readonly at: number
}

/** The sentence alone. */
export const jsonFault = (text: string): string | undefined => findJsonFault(text)?.is

/** The first fault of a text. */
export function findJsonFault(text: string): JsonFault | undefined {
  const open: string[] = []
  let awaited: Awaited = 'value'
  let at = 0
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at
    const [found] = pattern.exec(text) ?? []
    at += found?.length ?? 0
    return found !== undefined
  }
  const afterValue = (): Awaited => (open.length === 0 ? 'end' : 'next')
  for (;;) {
    take(SPACE)
    const mark = text[at]
    if (mark === undefined) return awaited === 'end' ? undefined : { is: faultAtEnd(open), at }
    const isValue = awaited === 'value' || awaited === 'first value'
    const isName = awaited === 'name' || awaited === 'first name'
    const mayClose = awaited === 'next' || awaited === 'first value' || awaited === 'first name'
    if (isValue && (mark === '[' || mark === '{')) {
      open.push(mark === '[' ? ']' : '}')
      awaited = mark === '[' ? 'first value' : 'first name'
      at++
    } else if (mayClose && mark === open.at(-1)) {
      open.pop()
      awaited = afterValue()
      at++
    } else if (awaited === 'next' && mark === ',') {
      awaited = open.at(-1) === ']' ? 'value' : 'name'
      at++
    } else if (awaited === 'colon' && mark === ':') {
      awaited = 'value'
      at++
    } else if (isName && mark === '"' && take(TEXT)) awaited = 'colon'
    else if (isValue && (mark === '"' ? take(TEXT) : take(PLAIN))) awaited = afterValue()
    else return { is: faultAt(mark, at, isName || isValue), at }
  }
}

const faultAtEnd = (open: readonly string[]): string =>
  open.length === 0 ? 'nothing in it' : `it ends before "${open.toReversed().join('')}"`

function faultAt(mark: string, at: number, mayBeText: boolean): string {
  if (mark === '"' && mayBeText)
    return `the text at character ${at + 1} does not end, or has a faulty character`
  return `unexpected ${MARKS.includes(mark) ? `"${mark}"` : 'sign'} at character ${at + 1}`
}
