/**
 * Bytes as the tokenizer sees them: their names, their classes, and the search for one.
 *
 * Pages are ASCII-compatible here; every byte from 0x80 on is text or part of a name, never syntax.
 *
 * @module
 */

export const BANG = 0x21
export const DOUBLE_QUOTE = 0x22
export const SINGLE_QUOTE = 0x27
export const DASH = 0x2d
export const SLASH = 0x2f
export const COLON = 0x3a
export const LESS = 0x3c
export const EQUALS = 0x3d
export const GREATER = 0x3e
export const QUESTION = 0x3f
export const OPENING_BRACKET = 0x5b
export const CLOSING_BRACKET = 0x5d

/** ASCII letters without their case; every other byte is itself. */
export const LOWER = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte,
)

const LETTER = 1
const SPACE = 2
const ENDS_NAME = 4
const IN_PREFIX = 8
const STOPS_ATTRIBUTE = 16

// A carriage return is a line feed to a tokenizer, so it is white space.
const CLASSES = Uint8Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte)
  return (
    (/[a-zA-Z]/.test(character) ? LETTER : 0) |
    (/[\t\n\f\r ]/.test(character) ? SPACE : 0) |
    (/[\t\n\f\r />]/.test(character) ? ENDS_NAME : 0) |
    (/[a-zA-Z0-9._-]/.test(character) ? IN_PREFIX : 0) |
    (/[\t\n\f\r />=:]/.test(character) ? STOPS_ATTRIBUTE : 0)
  )
})

export function isLetter(byte: number): boolean {
  return (CLASSES[byte]! & LETTER) !== 0
}

export function isSpace(byte: number): boolean {
  return (CLASSES[byte]! & SPACE) !== 0
}

/** White space, `/` or `>`: what ends the name of a tag, and of an attribute along with `=`. */
export function endsName(byte: number): boolean {
  return (CLASSES[byte]! & ENDS_NAME) !== 0
}

/** What ends the name of an attribute, or a colon in it. */
export function stopsAttribute(byte: number): boolean {
  return (CLASSES[byte]! & STOPS_ATTRIBUTE) !== 0
}

/** May stand in the prefix of `m:fragment`. */
export function isInPrefix(byte: number): boolean {
  return (CLASSES[byte]! & IN_PREFIX) !== 0
}

/** Most searches end within a few bytes, where a loop beats the call of native code. */
const NEAR = 48

/** Where `byte` stands next, or the length of `bytes`. */
export function find(bytes: Uint8Array, byte: number, from: number): number {
  const near = Math.min(from + NEAR, bytes.length)
  for (let i = from; i < near; i += 1) if (bytes[i] === byte) return i
  if (near === bytes.length) return near
  // As a Buffer it is a memchr; that of Uint8Array compares one by one.
  const at = Buffer.prototype.indexOf.call(bytes, byte, near)
  return at < 0 ? bytes.length : at
}
