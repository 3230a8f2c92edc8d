/**
 * HTML as a tagged template: whatever is put in is text, and escaped, unless it was made here.
 *
 * @module
 */

const MARKUP = Symbol('markup')

/** HTML that may stand in a page as it is. */
export interface Html {
  readonly [MARKUP]: string
}

/** What may stand in a template; `undefined` and `false` are nothing. */
export type Piece = string | number | Html | readonly Html[] | undefined | false

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** `` html`<p>${text}</p>` `` with every value escaped, except what was made the same way. */
export function html(parts: TemplateStringsArray, ...values: readonly Piece[]): Html {
  let text = parts[0] as string
  values.forEach((value, index) => {
    text += rendered(value) + parts[index + 1]
  })
  return { [MARKUP]: text }
}

/** Text that is markup already. */
export function trusted(markup: string): Html {
  return { [MARKUP]: markup }
}

/** The text of a finished page. */
export function textOf(markup: Html): string {
  return markup[MARKUP]
}

function rendered(value: Piece): string {
  if (value === undefined || value === false) return ''
  if (typeof value === 'string') return value.replace(/[&<>"']/g, (character) => ESCAPES[character]!)
  if (typeof value === 'number') return String(value)
  return MARKUP in value ? value[MARKUP] : value.map(textOf).join('')
}
