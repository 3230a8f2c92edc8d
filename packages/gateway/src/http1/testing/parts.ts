/**
 * The small parts of messages: names, values, blanks and chunk extensions that the grammar allows.
 *
 * @module
 */
import { NAMES as KNOWN_NAMES } from '../names.ts'
import type { Random } from './random.ts'

const LETTERS = 'abcdefghijklmnopqrstuvwxyz'
const DIGITS = '0123456789'
export const TOKEN = `${LETTERS}${LETTERS.toUpperCase()}${DIGITS}!#$%&'*+-.^_\`|~`
export const PATH = `${LETTERS}${DIGITS}/-._~!$&'()*+,;=:@%"<>[]\\^\`{|}?`
const VISIBLE = Array.from({ length: 94 }, (_, i) => String.fromCharCode(0x21 + i)).join('')
const OPAQUE = Array.from({ length: 128 }, (_, i) => String.fromCharCode(0x80 + i)).join('')
export const VALUE = `${VISIBLE}${OPAQUE}`
export const ANY = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join('')

const NAMES = [
  'Accept',
  'accept-encoding',
  'User-Agent',
  'Cookie',
  'Set-Cookie',
  'X-Forwarded-For',
  'X_Forwarded_For',
  'Forwarded',
  'X-Real-IP',
  'Trailer',
  'TE',
  'hydra-path',
  'Content-Lengths',
  'Transfer_Encoding',
  'Content_Length',
  'transfer-encodin',
  'hos',
  'Hosts',
  'Content-Type',
  'Date',
  'ETag',
  'X',
]

/** Known names that have no say in framing or the connection, each also with a letter more or less. */
const PLAIN_NAMES = KNOWN_NAMES.filter(
  (name) =>
    name !== '' &&
    !/^(?:host|connection|content-length|transfer-encoding|upgrade|expect|proxy-connection)$/.test(name),
).flatMap((name) => [name, name, name.slice(1), `${name}s`])

export function makeExtension(random: Random): string {
  let text = ''
  while (random.once(6)) {
    text += `;${random.text(TOKEN, 1, 4)}`
    if (random.once(2))
      text += `=${random.once(2) ? random.text(TOKEN, 1, 4) : `"${random.text(` ${LETTERS};=,`, 0, 5)}"`}`
  }
  return text
}

export function makeName(random: Random): string {
  return random.once(2) ? random.pick(NAMES) : anyCase(random, random.pick(PLAIN_NAMES))
}

export function makeValue(random: Random, isSmall: boolean): string {
  if (random.once(12)) return ''
  const words: string[] = []
  do words.push(random.text(VALUE, 1, isSmall ? 6 : 20))
  while (random.once(3))
  return words.join(random.pick([' ', '\t', '  ']))
}

export function makeBlank(random: Random): string {
  return random.once(6) ? random.text(' \t', 0, 3) : ' '
}

export function anyCase(random: Random, word: string): string {
  const way = random.int(4)
  if (way === 0) return word.toLowerCase()
  if (way === 1) return word.toUpperCase()
  if (way === 2) return word
  return Array.from(word, (letter) => (random.once(2) ? letter.toUpperCase() : letter.toLowerCase())).join('')
}
