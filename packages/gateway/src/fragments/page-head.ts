/**
 * The head of a composed page: that of the service's answer, without what was said about other bytes.
 *
 * @module
 */
import type { ResponseHead } from '../http1/head.ts'
import { eachDefaultLine, isKept, leftOut } from '../proxy/answer-lines.ts'
import { type AnswerSource, settleSetCookie } from '../proxy/set-cookie.ts'

/** Speak of the bytes of the service's answer, or of parts of them. */
const ABOUT_BYTES: ReadonlySet<string> = new Set([
  'accept-ranges',
  'content-digest',
  'content-encoding',
  'content-length',
  'content-md5',
  'content-range',
  'digest',
  'etag',
  'last-modified',
  'repr-digest',
])
/** Are for caches between us and the visitor, which must not keep what is for one. */
const FOR_SHARED_CACHES: ReadonlySet<string> = new Set(['cdn-cache-control', 'surrogate-control'])

export interface PageHeadOptions {
  /**
   * Who may keep the page: the visitor alone, nobody (a developer's copy is none for later), or whoever its service
   * says, when its route says that everybody gets the same.
   */
  readonly cache: 'private' | 'none' | 'keep'
  /** What it is compressed with on its way to the visitor. */
  readonly coding: string | undefined
  /** It would be compressed for others. */
  readonly varies: boolean
  /** Lower-case names of lines whose place others take. */
  readonly replaced?: ReadonlySet<string> | undefined
}

/** Lines of the head, `name, value, …`. A composed page is private: its fragments may be for one visitor only. */
export function pageHead(head: ResponseHead, source: AnswerSource, options: PageHeadOptions): string[] {
  const { cache, coding, varies, replaced } = options
  const flat: string[] = []
  const control: string[] = []
  const vary: string[] = []
  const nominated = leftOut(head, replaced)
  const lines = head.lines()
  for (let i = 0; i < lines.count; i++) {
    if (!isKept(head, i, lines.id[i]!, nominated)) continue
    const name = head.name(i)
    const lower = name.toLowerCase()
    if (ABOUT_BYTES.has(lower) || (cache !== 'keep' && FOR_SHARED_CACHES.has(lower))) continue
    if (lower === 'cache-control') control.push(head.value(i))
    else if (lower === 'vary') vary.push(head.value(i))
    else if (lower === 'set-cookie') {
      const cookie = settleSetCookie(head.value(i), source)
      if (cookie !== undefined) flat.push(name, cookie)
    } else flat.push(name, head.value(i))
  }
  if (cache === 'none') flat.push('Cache-Control', 'no-store')
  else if (cache === 'private') flat.push('Cache-Control', privately(control.join(', ')))
  else if (control.length > 0) flat.push('Cache-Control', control.join(', '))
  const varied = varies ? withAcceptEncoding(vary) : vary
  if (varied.length > 0) flat.push('Vary', varied.join(', '))
  if (coding !== undefined) flat.push('Content-Encoding', coding)
  eachDefaultLine(head, source.channel, (name, value) => flat.push(name, value))
  return flat
}

/** What stands in quotes, or opens some that nobody closes: then what follows is as if there were none. */
const QUOTED = /"(?:[^"\\]|\\.)*("?)/gs
const SHARED = /^(?:public|s-maxage|proxy-revalidate|private)(?=$|[\s=])/i

/** What was said before and what became of it: services say the same few things all the time. */
const said = new Map<string, string>()
const MOST_SAID = 200
const MOST_SAID_LENGTH = 256

/** A `Cache-Control` that lets nobody but the visitor keep the page; who says nothing has it checked each time. */
export function privately(control: string): string {
  const known = said.get(control)
  if (known !== undefined) return known
  const directives = directivesOf(control)
  const own =
    directives.length === 0
      ? 'private, no-cache'
      : ['private', ...directives.filter((each) => !SHARED.test(each))].join(', ')
  if (said.size < MOST_SAID && control.length <= MOST_SAID_LENGTH) said.set(control, own)
  return own
}

/** Between commas, but not those inside of quotes. */
function directivesOf(control: string): readonly string[] {
  const found: string[] = []
  let directive = ''
  const add = (text: string) => {
    const [first = '', ...others] = text.split(',')
    directive += first
    for (const other of others) {
      found.push(directive)
      directive = other
    }
  }
  let at = 0
  for (const { 0: quoted, 1: isClosed, index } of control.matchAll(QUOTED)) {
    add(control.slice(at, index))
    at = index + quoted.length
    if (isClosed) directive += quoted
    else add(quoted.replaceAll('"', ','))
  }
  add(control.slice(at))
  return [...found, directive].map((each) => each.trim()).filter((each) => each !== '')
}

function withAcceptEncoding(vary: readonly string[]): readonly string[] {
  const names = vary.join(',').toLowerCase().split(',')
  const isSaid = names.some((name) => name.trim() === '*' || name.trim() === 'accept-encoding')
  return isSaid ? vary : [...vary, 'Accept-Encoding']
}
