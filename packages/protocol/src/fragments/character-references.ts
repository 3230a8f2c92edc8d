/**
 * Character references in attribute values, as the HTML standard reads them (13.2.5.72 and on): numbers, and the
 * names somebody needs in a fragment tag. Other names stay as they are.
 *
 * @module
 */

/** With their semicolon; those of `BARE` may go without, as HTML always allowed. */
const NAMED: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['AMP', '&'],
  ['lt', '<'],
  ['LT', '<'],
  ['gt', '>'],
  ['GT', '>'],
  ['quot', '"'],
  ['QUOT', '"'],
  ['apos', "'"],
  ['nbsp', '\u00a0'],
])
const BARE = 'amp|AMP|lt|LT|gt|GT|quot|QUOT|nbsp'

const REFERENCE = new RegExp(
  `&(?:#[xX]([0-9a-fA-F]+);?|#([0-9]+);?|(${[...NAMED.keys()].join('|')});|(${BARE})(?![=0-9A-Za-z;]))`,
  'g',
)

/** What numbers 128 to 159 mean: those of Windows-1252, where it has a character. */
const WINDOWS_1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ'

export interface Decoded {
  readonly text: string
  /** Where in the raw text a character of the decoded one begins. */
  rawIndex(index: number): number
}

/** Decodes an attribute's value. */
export function decodeReferences(raw: string): Decoded {
  if (!raw.includes('&')) return { text: raw, rawIndex: (index) => index }
  const pieces: { readonly from: number; readonly to: number; readonly shift: number }[] = []
  let text = ''
  let rawEnd = 0
  for (const match of raw.matchAll(REFERENCE)) {
    text += raw.slice(rawEnd, match.index)
    const from = text.length
    text += characterOf(match)
    rawEnd = match.index + match[0].length
    pieces.push({ from, to: match.index, shift: rawEnd - text.length })
  }
  text += raw.slice(rawEnd)
  return { text, rawIndex: (index) => rawIndexOf(pieces, text, index) }
}

function rawIndexOf(
  pieces: readonly { readonly from: number; readonly to: number; readonly shift: number }[],
  text: string,
  index: number,
): number {
  const piece = pieces.findLast(({ from }) => from <= index)
  if (!piece) return index
  const length = String.fromCodePoint(text.codePointAt(piece.from) ?? 0).length
  return index < piece.from + length && piece.from < text.length ? piece.to : index + piece.shift
}

function characterOf([, hex, decimal, named, bare]: RegExpMatchArray): string {
  const name = named ?? bare
  if (name !== undefined) return NAMED.get(name)!
  const code = hex === undefined ? Number.parseInt(decimal!, 10) : Number.parseInt(hex, 16)
  if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return '\ufffd'
  if (code >= 0x80 && code <= 0x9f) return WINDOWS_1252[code - 0x80]!
  return String.fromCodePoint(code)
}
