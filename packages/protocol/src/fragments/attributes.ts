/**
 * The attributes of a start tag, as the HTML standard tokenizes them (13.2.5.32 and on).
 *
 * @module
 */

export interface TagAttribute {
  /** Lower case, as HTML has them. */
  readonly name: string
  /** As it is written; undefined for `required` without `=`. */
  readonly value: string | undefined
  readonly isQuoted: boolean
  /** Where name and value begin in the tag. */
  readonly nameAt: number
  readonly valueAt: number
}

export interface TagAttributes {
  /** Lower case, with its prefix. */
  readonly tagName: string
  readonly attributes: readonly TagAttribute[]
  /** Where the quote opens that is never closed. */
  readonly openQuote: number | undefined
}

const NAME_END = /[\t\n\f\r />]/g
const ATTRIBUTE_START = /[^\t\n\f\r /]/g
const ATTRIBUTE_NAME_END = /[\t\n\f\r />=]/g
const EQUALS = /[\t\n\f\r ]*=[\t\n\f\r ]*/y
const VALUE_END = /[\t\n\f\r >]/g

/** Reads a start tag from `<` to `>`. Never fails: any text is some tag. */
export function readAttributes(tag: string): TagAttributes {
  const attributes: TagAttribute[] = []
  let at = find(NAME_END, tag, 1)
  const tagName = tag.slice(1, at).toLowerCase()
  for (;;) {
    const nameAt = nextAttribute(tag, at)
    if (nameAt === undefined) return { tagName, attributes, openQuote: undefined }
    at = find(ATTRIBUTE_NAME_END, tag, nameAt + 1) // an equals sign at its beginning belongs to the name
    const name = tag.slice(nameAt, at).toLowerCase()
    EQUALS.lastIndex = at
    if (!EQUALS.test(tag)) {
      attributes.push({ name, value: undefined, isQuoted: false, nameAt, valueAt: at })
      continue
    }
    let valueAt = EQUALS.lastIndex
    const quote = tag[valueAt]
    const isQuoted = quote === '"' || quote === "'"
    if (isQuoted) {
      const end = tag.indexOf(quote, valueAt + 1)
      if (end === -1) return { tagName, attributes, openQuote: valueAt }
      at = end + 1
      valueAt++
      attributes.push({ name, value: tag.slice(valueAt, end), isQuoted, nameAt, valueAt })
    } else {
      at = find(VALUE_END, tag, valueAt)
      attributes.push({ name, value: tag.slice(valueAt, at), isQuoted, nameAt, valueAt })
    }
  }
}

/** Where the next attribute begins; undefined when the tag ends before one. */
function nextAttribute(tag: string, from: number): number | undefined {
  const start = find(ATTRIBUTE_START, tag, from)
  return start >= tag.length || tag[start] === '>' ? undefined : start
}

function find(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from
  return pattern.exec(text)?.index ?? text.length
}
