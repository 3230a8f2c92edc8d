/**
 * Attributes of the few tags whose attributes decide how what follows is read.
 *
 * @module
 */
import {
  DOUBLE_QUOTE,
  EQUALS,
  endsName,
  find,
  GREATER,
  isSpace,
  SINGLE_QUOTE,
  SLASH,
} from './scanner-bytes.ts'
import { bytesOf, isPrefixed, isWord } from './scanner-names.ts'

interface Attribute {
  nameFrom: number
  nameTo: number
  valueFrom: number
  valueTo: number
}

const ATTRIBUTES = bytesOf('attributes')
const LINK = bytesOf('link')
const TYPE = bytesOf('type')
const ENCODING = bytesOf('encoding')
const FONT_WORDS = ['color', 'size', 'face'].map(bytesOf)

/** `<script type="application/json" P:attributes>`. */
export function isAttributesScript(tag: Uint8Array, from: number, to: number): boolean {
  let type: string | undefined
  let isMarked = false
  for (const attribute of attributesOf(tag, from, to)) {
    if (isPrefixed(tag, attribute.nameFrom, attribute.nameTo, ATTRIBUTES)) isMarked = true
    // Of attributes with one name, the first counts.
    if (isNamed(tag, attribute, TYPE)) type ??= readValue(tag, attribute)
  }
  return isMarked && type === 'application/json'
}

/** `<a P:link>`. */
export function isLink(tag: Uint8Array, from: number, to: number): boolean {
  for (const { nameFrom, nameTo } of attributesOf(tag, from, to)) {
    if (isPrefixed(tag, nameFrom, nameTo, LINK)) return true
  }
  return false
}

/** `<annotation-xml encoding="text/html">`: what is inside is HTML. */
export function isHtmlAnnotation(tag: Uint8Array, from: number, to: number): boolean {
  for (const attribute of attributesOf(tag, from, to)) {
    if (!isNamed(tag, attribute, ENCODING)) continue
    const encoding = readValue(tag, attribute)
    return encoding === 'text/html' || encoding === 'application/xhtml+xml'
  }
  return false
}

/** A `font` that ends foreign content. */
export function isStyledFont(tag: Uint8Array, from: number, to: number): boolean {
  for (const attribute of attributesOf(tag, from, to)) {
    if (FONT_WORDS.some((word) => isNamed(tag, attribute, word))) return true
  }
  return false
}

function isNamed(tag: Uint8Array, { nameFrom, nameTo }: Attribute, word: Uint8Array): boolean {
  return nameTo - nameFrom === word.length && isWord(tag, nameFrom, word)
}

/** The attributes of a tag from its `<` on, which is cut off at `to`. */
function* attributesOf(tag: Uint8Array, from: number, to: number): Generator<Attribute> {
  let at = from + 1
  while (at < to && (at === from + 1 || !endsName(tag[at]!))) at += 1
  for (;;) {
    while (at < to && (isSpace(tag[at]!) || tag[at] === SLASH)) at += 1
    if (at >= to || tag[at] === GREATER) return
    const nameFrom = at
    at += 1
    while (at < to && !endsName(tag[at]!) && tag[at] !== EQUALS) at += 1
    const attribute = { nameFrom, nameTo: at, valueFrom: at, valueTo: at }
    at = skipSpace(tag, at, to)
    if (at < to && tag[at] === EQUALS) {
      at = skipSpace(tag, at + 1, to)
      const quote = tag[at]
      if (at < to && (quote === DOUBLE_QUOTE || quote === SINGLE_QUOTE)) {
        attribute.valueFrom = at + 1
        attribute.valueTo = Math.min(find(tag, quote, at + 1), to)
        at = attribute.valueTo + 1
      } else {
        attribute.valueFrom = at
        while (at < to && !isSpace(tag[at]!) && tag[at] !== GREATER) at += 1
        attribute.valueTo = at
      }
    }
    yield attribute
  }
}

function skipSpace(tag: Uint8Array, from: number, to: number): number {
  let at = from
  while (at < to && isSpace(tag[at]!)) at += 1
  return at
}

/** No value that means something here is longer, however it is written. */
const MOST_VALUE_BYTES = 256

/** In lower case. Character references are read as far as they can be part of a media type. */
function readValue(tag: Uint8Array, { valueFrom, valueTo }: Attribute): string {
  if (valueTo - valueFrom > MOST_VALUE_BYTES) return ''
  return String.fromCharCode(...tag.subarray(valueFrom, valueTo))
    .replace(
      /&#[xX]([0-9a-fA-F]+);?|&#([0-9]+);?|&(sol|plus);/g,
      (_, hex?: string, decimal?: string, name?: string) => {
        if (name !== undefined) return name === 'sol' ? '/' : '+'
        return String.fromCharCode(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16))
      },
    )
    .toLowerCase()
}
