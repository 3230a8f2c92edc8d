/**
 * The characters of a page: how its tags are read, and how the HTML of fragments, which is UTF-8, is written into it.
 *
 * @module
 */

import type { Alphabet } from '@hydra-gateway/protocol/fragments'

export interface PageText {
  decode(bytes: Uint8Array): string
  encode(text: string): Buffer
}

/** Characters of a page whose bytes are read as one character each, so that what is not changed stays the same bytes. */
export function ofBytes({ decode, encode }: PageText): Alphabet {
  return {
    decode: (text) => decode(Buffer.from(text, 'latin1')),
    encode: (text) => encode(text).toString('latin1'),
  }
}

const utf8 = new TextDecoder()
const UTF8: PageText = {
  decode: (bytes) => utf8.decode(bytes),
  encode: (text) => Buffer.from(text),
}

/** One byte for each character, the first 128 those of ASCII: nothing else is taken for a tag in these. */
const SINGLE_BYTE =
  /^(?:us-ascii|ascii|latin1|iso-?8859-\d{1,2}|windows-(?:874|125[0-8])|koi8-[ru]|macintosh)$/

const CHARSET = /;\s*charset\s*=\s*"?([^\s;"]+)/i

/**
 * How a page of this `Content-Type` is read and written; undefined for encodings whose bytes can't be told from tags.
 * A page that doesn't say is taken for UTF-8.
 */
export function pageText(contentType: string): PageText | undefined {
  const charset = CHARSET.exec(contentType)?.[1]?.toLowerCase()
  if (charset === undefined || charset === 'utf-8' || charset === 'utf8') return UTF8
  return SINGLE_BYTE.test(charset) ? { decode: decoderOf(charset), encode: asReferences } : undefined
}

function decoderOf(charset: string): PageText['decode'] {
  try {
    const decoder = new TextDecoder(charset)
    return (bytes) => decoder.decode(bytes)
  } catch {
    return (bytes) => Buffer.from(bytes).toString('latin1')
  }
}

const BEYOND_ASCII = /[^\0-\x7f]/gu

/** ASCII, everything else as character references: the same characters in every encoding. */
function asReferences(text: string): Buffer {
  return Buffer.from(
    text.replace(BEYOND_ASCII, (character) => `&#${character.codePointAt(0)};`),
    'latin1',
  )
}
