/**
 * Mistakes in pages that HTML takes without a word: a link that follows nothing, and slips of the finger in what is read
 * here. Pure.
 *
 * @module
 */
import { nearest } from '@hydra-gateway/protocol'
import {
  createScanner,
  FragmentError,
  type NamePlace,
  type Position,
  positionIn,
  positionsOf,
  rewriteLink,
} from '@hydra-gateway/protocol/fragments'
import type { Op } from './page-program.ts'

const TAGS = ['fragment', 'menu']
/** Nobody reads more. */
const MOST_SLIPS = 20

/** `<P:name`, and `P:name` among attributes. */
const TAG = /<([a-z][\w.-]{0,127}):([a-z][\w-]{0,31})(?=[\s/>])/gi
const ATTRIBUTE = /[\s"']([a-z][\w.-]{0,127}):([a-z]{3,6})(?=[\s=/>])/gi
const LINK = /^<(?:a|area)\s[^>]*$/i
const MOST_TAG_LENGTH = 4096
/** What is text, whatever it looks like. */
const RAW = /<!--[\s\S]*?(?:-->|$)|<(script|style|textarea|title|xmp)\b[\s\S]*?(?:<\/\1|$)/gi

/** Names that were meant for one of ours, each with its place. */
export function slipsIn(html: string, place: NamePlace): string[] {
  const found = [...slips(html)]
  if (found.length === 0) return []
  const raw = [...html.matchAll(RAW)].map(({ index, 0: { length } }) => ({ from: index, to: index + length }))
  return found
    .filter(({ at }) => !raw.some(({ from, to }) => from < at && at < to))
    .sort((one, other) => one.at - other.at)
    .slice(0, MOST_SLIPS)
    .map(({ at, sentence }) => `${place(positionIn(html, at))}: ${sentence}`)
}

function* slips(html: string): Generator<{ readonly at: number; readonly sentence: string }> {
  for (const { index, 1: prefix, 2: name = '' } of html.matchAll(TAG)) {
    if (TAGS.includes(name.toLowerCase())) continue
    const meant = nearest(name, TAGS)
    if (meant)
      yield { at: index, sentence: `<${prefix}:${name}> means nothing; did you mean <${prefix}:${meant}>?` }
  }
  for (const { index, 1: prefix = '', 2: name = '' } of html.matchAll(ATTRIBUTE)) {
    if (prefix.toLowerCase() === 'xmlns') continue
    const open = html.lastIndexOf('<', index)
    const isLink = index - open < MOST_TAG_LENGTH && LINK.test(html.slice(Math.max(0, open), index + 1))
    const isMark = name.toLowerCase() === 'link'
    const at = index + 1
    if (isLink && !isMark && nearest(name, ['link']))
      yield { at, sentence: `"${prefix}:${name}" means nothing; did you mean ${prefix}:link?` }
  }
}

/**
 * Links that are marked and lead nowhere.
 *
 * @throws FragmentError for the first one, unless `warn` is told
 */
export function checkLinks(
  html: string,
  ops: readonly Op[],
  place: NamePlace,
  warn: ((sentence: string) => void) | undefined,
): void {
  if (!ops.some(leadsNowhere)) return
  const bytes = new TextEncoder().encode(html)
  const positionOf = positionsOf(bytes)
  const decoder = new TextDecoder()
  let found: Position | undefined
  const ignored = (): void => {}
  const scanner = createScanner({
    onText: ignored,
    onFragmentStart: ignored,
    onFragmentEnd: ignored,
    onAttributes: ignored,
    onHeadEnd: ignored,
    onBodyEnd: ignored,
    onLink(chunk, from, to, offset) {
      if (!found && !hasHref(decoder.decode(chunk.subarray(from, to)))) found = positionOf(offset)
    },
  })
  scanner.write(bytes)
  scanner.end()
  if (!found) return
  const message = `${place(found)}: this link is marked to follow a page and has no href; write <a m:link href="/orders">`
  if (!warn) throw new FragmentError('FragmentSyntaxError', message, { at: found })
  warn(message)
}

function leadsNowhere(op: Op): boolean {
  if (typeof op === 'string') return false
  if ('link' in op) return !hasHref(op.link)
  return 'fallback' in op && op.fallback.some(leadsNowhere)
}

function hasHref(tag: string): boolean {
  let has = false
  rewriteLink(tag, () => {
    has = true
    return undefined
  })
  return has
}
