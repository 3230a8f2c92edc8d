/**
 * Classes of bytes, one lookup each: what may stand in a name, a value, a target (RFC 9110, 5.6.2 and 5.5;
 * RFC 9112, 3.2).
 *
 * @module
 */

export const TAB = 0x09
export const LF = 0x0a
export const CR = 0x0d
export const SP = 0x20
export const COMMA = 0x2c
export const COLON = 0x3a
export const SEMICOLON = 0x3b
export const EQUALS = 0x3d

const MARKS = "!#$%&'*+-.^_`|~"

function classOf(belongs: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (belongs(byte) ? 1 : 0))
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39
const isAlpha = (byte: number): boolean => /[A-Za-z]/.test(String.fromCharCode(byte))
const isOneOf = (byte: number, marks: string): boolean => marks.includes(String.fromCharCode(byte))

/** Bytes of a token. */
export const TOKEN: Uint8Array = classOf((b) => isDigit(b) || isAlpha(b) || isOneOf(b, MARKS))

/**
 * Bytes of a token in lower case; 0 for all others, and for `_`: a name with it looks like another one to
 * whoever turns dashes into underscores, so readers step out of their quick loop for it.
 */
export const LOWER: Uint8Array = Uint8Array.from({ length: 256 }, (_, b) =>
  TOKEN[b] === 0 || b === 0x5f ? 0 : String.fromCharCode(b).toLowerCase().charCodeAt(0),
)

/** Bytes of a header value: HTAB, SP, what is visible, and everything from 0x80. */
export const VALUE: Uint8Array = classOf((b) => b === TAB || (b >= 0x20 && b !== 0x7f))

/** Bytes of a request target: what is visible, without the `#` of a fragment, which is never sent. */
export const TARGET: Uint8Array = classOf((b) => b > 0x20 && b < 0x7f && b !== 0x23)

/** Bytes of `host:port` in an absolute target: RFC 3986, 3.2, without user names. */
export const AUTHORITY: Uint8Array = classOf(
  (b) => isDigit(b) || isAlpha(b) || isOneOf(b, "-._~%!$&'()*+,;=:[]"),
)

/** Letters. */
export const ALPHA: Uint8Array = classOf(isAlpha)

/** Bytes that stand for themselves between the quotes of a quoted string (RFC 9110, 5.6.4). */
export const QUOTED: Uint8Array = classOf((b) => VALUE[b] === 1 && b !== 0x22 && b !== 0x5c)

/** The figure of a hexadecimal digit, 0xff for everything else. */
export const HEX: Uint8Array = Uint8Array.from({ length: 256 }, (_, b) => {
  const text = String.fromCharCode(b)
  return /[0-9A-Fa-f]/.test(text) ? Number.parseInt(text, 16) : 0xff
})
