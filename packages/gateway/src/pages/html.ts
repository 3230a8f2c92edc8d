/**
 * HTML as a tagged template: what is put in is text, and escaped, unless it was made here.
 *
 * @module
 */
import { escapeMarkup } from '@hydra-gateway/protocol'

const MARKUP = Symbol('markup')

/** HTML that may stand in a page as it is. Only `html` and `trusted` make it; no parsed input ever looks like it. */
export interface Markup {
  readonly [MARKUP]: string
}

/** What may stand in a template. Lists are joined without anything between; `undefined` and `false` are nothing. */
export type Piece = string | number | Markup | readonly Markup[] | undefined | false

/** `` html`<p>${text}</p>` `` with every value escaped, except markup made the same way. */
export function html(parts: TemplateStringsArray, ...values: readonly Piece[]): Markup {
  let text = parts[0] as string
  values.forEach((value, index) => {
    text += rendered(value) + parts[index + 1]
  })
  return { [MARKUP]: text }
}

/** Marks text as HTML. For constants of this project only, never for anything received. */
export function trusted(text: string): Markup {
  return { [MARKUP]: text }
}

/** The text of markup, at the very end. */
export function textOf(markup: Markup): string {
  return markup[MARKUP]
}

function rendered(value: Piece): string {
  if (value === undefined || value === false) return ''
  if (typeof value === 'string') return escapeMarkup(value)
  if (typeof value === 'number') return String(value)
  return MARKUP in value ? value[MARKUP] : value.map(textOf).join('')
}

/** Our own text in which `code` stands between backticks. */
export function withCode(text: string): Markup {
  return html`${text.split('`').map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : html`${part}`))}`
}

/** Longest piece of a path or detail that is shown. */
const SHOWN = 96
// Invisible, and able to turn around the text after them.
const UNSHOWABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

/** Text from outside, cut to a length that fits a sentence and without characters that rearrange what is read. */
export function shortened(text: string, length: number = SHOWN): string {
  const clean = text.replace(UNSHOWABLE, '\ufffd').toWellFormed()
  return clean.length <= length ? clean : `${clean.slice(0, length - 1).toWellFormed()}…`
}
