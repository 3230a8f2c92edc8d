/**
 * What a scanner says about a page, and what parse5 says about it, in one form.
 *
 * @module
 */
import { SAXParser } from 'parse5-sax-parser'
import { createScanner, type ScannerLimits } from '../scanner.ts'

/** What was found, in order; texts that follow each other are one. */
export type Found = readonly [what: string, text: string, offset?: number]

/** Bytes as characters, one each. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

/** Scans a page in the pieces that `cuts` make of it, each piece in memory of its own that is wiped afterwards. */
export function scan(page: Uint8Array, cuts: readonly number[] = [], limits: ScannerLimits = {}): Found[] {
  const found: Found[] = []
  const add = (what: string, text: string, offset?: number): void => {
    const last = found.at(-1)
    if (what !== 'text') found.push(offset === undefined ? [what, text] : [what, text, offset])
    else if (last?.[0] === 'text') found[found.length - 1] = ['text', last[1] + text]
    else found.push(['text', text])
  }
  const scanner = createScanner(
    {
      onText: (bytes, from, to) => add('text', latin1(bytes.subarray(from, to))),
      onFragmentStart: (bytes, from, to, isSelfClosing, offset) =>
        add(isSelfClosing ? 'whole' : 'start', latin1(bytes.subarray(from, to)), offset),
      onFragmentEnd: (bytes, from, to, offset) => add('end', latin1(bytes.subarray(from, to)), offset),
      onMenuStart: (bytes, from, to, isSelfClosing, offset) =>
        add(isSelfClosing ? 'whole menu' : 'menu', latin1(bytes.subarray(from, to)), offset),
      onMenuEnd: (bytes, from, to, offset) => add('menu end', latin1(bytes.subarray(from, to)), offset),
      onLink: (bytes, from, to, offset) => add('link', latin1(bytes.subarray(from, to)), offset),
      onStrayEnd: (offset) => add('stray', '', offset),
      onAttributes: (json, offset) => add('attributes', latin1(json), offset),
      onHeadEnd: () => add('head', ''),
      onBodyEnd: () => add('body', ''),
    },
    { ...limits, onOversize: (what, offset) => add(`oversize ${what}`, '', offset) },
  )
  const ends = [...cuts, page.length]
  let from = 0
  for (const to of ends) {
    const piece = Uint8Array.from(page.subarray(from, to))
    scanner.write(piece)
    piece.fill(0x3c)
    from = to
  }
  scanner.end()
  return found
}

/** Without stray ends and the places of head and body, about which a tokenizer says nothing. */
export function withoutPlaces(found: readonly Found[]): Found[] {
  const rest: Found[] = []
  for (const one of found) {
    const last = rest.at(-1)
    if (one[0] === 'head' || one[0] === 'body' || one[0] === 'stray') continue
    if (one[0] === 'text' && last?.[0] === 'text') rest[rest.length - 1] = ['text', last[1] + one[1]]
    else rest.push(one)
  }
  return rest
}

/** What a scanner should find, from parse5's tokens: pairs are made here, as only ours know that `/>` closes. */
export function expect(page: Uint8Array): Found[] {
  const text = latin1(page)
  const found: Found[] = []
  const open: string[] = []
  let done = 0
  let script: { from: number; contentFrom: number } | undefined
  const take = (what: string, from: number, to: number, shown: string): void => {
    if (from > done) found.push(['text', text.slice(done, from)])
    found.push([what, shown, from])
    done = to
  }
  const parser = new SAXParser({ sourceCodeLocationInfo: true })
  parser.on('startTag', ({ tagName, attrs, selfClosing, sourceCodeLocation }) => {
    const { startOffset: from, endOffset: to } = sourceCodeLocation!
    // The simulator enters a drawing that has ended already; browsers don't.
    if ((tagName === 'svg' || tagName === 'math') && selfClosing)
      partsOf(parser).parserFeedbackSimulator._leaveCurrentNamespace()
    if (prefixIn(tagName, 'fragment') !== undefined) {
      if (!selfClosing) open.push(tagName)
      take(selfClosing ? 'whole' : 'start', from, to, text.slice(from, to))
    } else if (prefixIn(tagName, 'menu') !== undefined) {
      if (!selfClosing) open.push(tagName)
      take(selfClosing ? 'whole menu' : 'menu', from, to, text.slice(from, to))
    } else if (tagName === 'a' || tagName === 'area') {
      const isMarked = attrs.some(({ name }) => prefixIn(name, 'link') !== undefined)
      if (isMarked) take('link', from, to, text.slice(from, to))
    } else if (tagName === 'script' && !partsOf(parser).parserFeedbackSimulator.inForeignContent) {
      const type = attrs.find(({ name }) => name === 'type')?.value.toLowerCase()
      const isMarked = attrs.some(({ name }) => prefixIn(name, 'attributes') !== undefined)
      script = type === 'application/json' && isMarked ? { from, contentFrom: to } : undefined
    }
  })
  parser.on('endTag', ({ tagName, sourceCodeLocation }) => {
    const { startOffset: from, endOffset: to } = sourceCodeLocation!
    const isMenu = prefixIn(tagName, 'menu') !== undefined
    if ((isMenu || prefixIn(tagName, 'fragment') !== undefined) && open.at(-1) === tagName) {
      open.pop()
      take(isMenu ? 'menu end' : 'end', from, to, text.slice(from, to))
    } else if (script !== undefined) {
      take('attributes', script.from, to, text.slice(script.contentFrom, from))
      script = undefined
    }
  })
  partsOf(parser).tokenizer.write(text, true)
  if (done < text.length) found.push(['text', text.slice(done)])
  return found
}

function prefixIn(name: string, local: string): string | undefined {
  return new RegExp(`^([a-z0-9._-]{1,128}):${local}$`).exec(name)?.[1]
}

/** Parts of parse5 that are not in its types: its tokenizer takes a page at once, its simulator knows the namespace. */
interface Parts {
  readonly tokenizer: { write(text: string, isLast: boolean): void }
  readonly parserFeedbackSimulator: { readonly inForeignContent: boolean; _leaveCurrentNamespace(): void }
}

function partsOf(parser: SAXParser): Parts {
  return parser as unknown as Parts
}
