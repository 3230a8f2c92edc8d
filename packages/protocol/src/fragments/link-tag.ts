/**
 * The start tag of a link that is marked, `<a m:link href="/orders">`, written anew for what is behind it: the attributes
 * that say so are changed, every other character stays as its author wrote it.
 *
 * @module
 */
import { LINK_MARK } from '../live.ts'
import type { LinkView } from '../menu.ts'
import { attributesText, linkAttributes } from '../menu-markup.ts'
import { readAttributes, type TagAttribute } from './attributes.ts'
import { decodeReferences } from './character-references.ts'

/** What a link leads to, and how that is for whom the page is for. */
export interface JudgedLink {
  /** Undefined: nobody is known to have the path, and an open page is told when somebody has. */
  readonly link: LinkView | undefined
  /** Of this site, with query and fragment. */
  readonly path: string
}

/** Judges where a link leads; undefined for one that is none of ours: it stays as it is. */
export type JudgeLink = (href: string) => JudgedLink | undefined

/** Between the characters of a tag and what they say, where a page is read as bytes. */
export interface Alphabet {
  decode(text: string): string
  encode(text: string): string
}

const PLAIN: Alphabet = { decode: (text) => text, encode: (text) => text }

/** `P:link`; any number of them, as with all attributes that are said twice. */
const MARK = /^[a-z0-9._-]{1,128}:link$/
const SPACE = /[\t\n\f\r ]/
const EQUALS = /[\t\n\f\r ]*=/y

/** Writes the tag of a link, from `<` to `>`; undefined when it stays as it is. */
export function rewriteLink(tag: string, judge: JudgeLink, alphabet = PLAIN): string | undefined {
  const { attributes } = readAttributes(tag)
  const href = attributes.find(({ name }) => name === 'href')
  if (!href) return undefined
  const judged = judge(decodeReferences(alphabet.decode(href.value ?? '')).text)
  if (!judged) return undefined
  const { href: open, ...written } = linkAttributes(judged.link, judged.path)
  if (written[LINK_MARK] === undefined) return undefined
  const isGone = ({ name }: TagAttribute): boolean =>
    MARK.test(name) ||
    Object.hasOwn(written, name) ||
    (open === undefined && (name === 'href' || name === 'xlink:href'))

  let at = tag.search(/[\t\n\f\r />]/)
  let text = `${tag.slice(0, at)} ${alphabet.encode(attributesText(written))}`
  for (const attribute of attributes.filter(isGone)) {
    const { from, to } = spanOf(attribute)
    text += without(tag, at, from, to)
    at = to
  }
  return text + tag.slice(at)
}

/** What stands before an attribute that is gone, from `at` on, and what keeps it apart from what stands behind. */
function without(tag: string, at: number, from: number, to: number): string {
  const before = tag.slice(at, from)
  // An equals sign may begin a name, and would give its value to the name before.
  EQUALS.lastIndex = to
  if (EQUALS.test(tag)) return `${before}/ `
  if (!SPACE.test(tag[from - 1]!)) return `${before} `
  const isApart = SPACE.test(tag[to]!) || (tag[to] === '>' && tag[from - 2] !== '/')
  return isApart ? before.slice(0, -1) : before
}

function spanOf({ nameAt, valueAt, value, isQuoted, name }: TagAttribute) {
  if (value === undefined) return { from: nameAt, to: nameAt + name.length }
  return { from: nameAt, to: valueAt + value.length + (isQuoted ? 1 : 0) }
}
