/**
 * The compiler of pages: HTML with fragment tags becomes parts and nodes, or errors that say where and what to do.
 *
 * @module
 */
import { faultsOf } from './checks.ts'
import { FRAGMENT_IN_MENU, neverClosed, OVERSIZED } from './faults.ts'
import { readMenuTag } from './menu-tag.ts'
import {
  FragmentError,
  type FragmentNode,
  type PagePart,
  type PagePlaceName,
  type Position,
  type Template,
} from './model.ts'
import { readPageAttributes } from './page-attributes.ts'
import { type NamePlace, placesOf, positionsOf } from './position.ts'
import { createScanner, type ScanHandler } from './scanner.ts'
import { readFragmentTag } from './tag.ts'

export interface CompileOptions {
  /** What errors call the page, such as a file name. Without it they name places by line and column. */
  readonly name?: string
  /** How errors name a place, where `name:line:column` is not what people should read. */
  readonly place?: NamePlace
  /**
   * Attributes the page has by itself, beside those of its attributes script. Without either nothing is known of what
   * an import may mean.
   */
  readonly attributes?: readonly string[]
  /** Attributes local fragments set by themselves, by ref: for `service` empty or `self`. */
  readonly local?: (ref: string) => readonly string[] | undefined
  /** Name of the service whose page it is: a tag that names it is a local one. */
  readonly service?: string
}

/**
 * Compiles a page and checks it (`medusa.md` 6.3): syntax, export and import conflicts, cycles, unknown imports.
 *
 * @throws FragmentError the first fault; `compileFaults` lists all
 */
export function compileTemplate(html: string, options: CompileOptions = {}): Template {
  const { template, faults } = compile(html, options, false)
  if (faults[0]) throw faults[0]
  return ofFragments(template)
}

/**
 * Compiles a page with its menus, its marked links, and the places where head and body end.
 *
 * @throws FragmentError the first fault
 */
export function compilePage(html: string, options: CompileOptions = {}): Template<PagePart> {
  const { template, faults } = compile(html, options, true)
  if (faults[0]) throw faults[0]
  return template
}

/** All that is wrong with a page, in the order of the document. */
export function compileFaults(html: string, options: CompileOptions = {}): FragmentError[] {
  return compile(html, options, true).faults
}

/**
 * A page with what is wrong with the syntax of its tags: for who shows what can be shown. Takes time by the length of the
 * page alone; what tags say beside each other is not looked at, which the flow does when they run.
 */
export function readTemplate(
  html: string,
  { name }: Pick<CompileOptions, 'name'> = {},
): { readonly template: Template; readonly faults: readonly FragmentError[] } {
  const { template, faults } = read(html, placesOf(name), false)
  return { template: ofFragments(template), faults }
}

/** Nothing else was looked for. */
function ofFragments(template: Template<PagePart>): Template {
  return template as Template
}

/**
 * Whether HTML may hold fragment tags: nearly no fragment's does, and what may hold some is looked at by a scanner.
 */
export function mayHoldTags(html: string): boolean {
  return TAG_SIGN.test(html)
}

const TAG_SIGN = /:fragment/i

/** A fragment or a menu whose end tag has not come yet; the page itself at the bottom. */
interface Level {
  readonly parts: PagePart[]
  /** The fragment, or the one around the menu. */
  readonly node: FragmentNode | undefined
  readonly menuAt?: Position
  readonly prefix: string
}

interface Compiled {
  readonly template: Template<PagePart>
  readonly faults: FragmentError[]
}

function compile(html: string, options: CompileOptions, isPage: boolean): Compiled {
  const place = options.place ?? placesOf(options.name)
  const { template, faults } = read(html, place, isPage)
  return {
    template,
    faults: [...faults, ...checked(template, options, place, faults.length > 0)].sort(byPlace),
  }
}

/** Reads the tags, each by itself; of a page, also what is no fragment. */
function read(html: string, place: NamePlace, isPage: boolean): Compiled {
  const bytes = new TextEncoder().encode(html)
  const positionOf = positionsOf(bytes)
  const nodes: FragmentNode[] = []
  const warnings: string[] = []
  const faults: FragmentError[] = []
  let attributes: string | undefined
  let text: Uint8Array[] = []
  const levels: Level[] = [{ parts: [], node: undefined, prefix: '' }]

  const warn = (at: Position, sentence: string) => warnings.push(`${place(at)}: ${sentence}`)
  const fail = (at: Position, sentence: string) => {
    if (faults.length < MOST_FAULTS)
      faults.push(new FragmentError('FragmentSyntaxError', `${place(at)}: ${sentence}`, { at }))
  }
  const flushText = () => {
    if (text.length > 0) levels.at(-1)!.parts.push(decode(text))
    text = []
  }

  const put = (part: PagePart) => {
    flushText()
    levels.at(-1)!.parts.push(part)
  }
  const close = () => {
    flushText()
    levels.pop()
  }
  const mark = (name: PagePlaceName) => {
    if (isPage && levels.length === 1) put({ place: name })
  }
  const ofPage: Partial<ScanHandler> = {
    onMenuStart(chunk, from, to, isSelfClosing, offset) {
      const read = readMenuTag(decode([chunk.subarray(from, to)]), positionOf(offset))
      for (const { at, sentence } of read.faults) fail(at, sentence)
      for (const { at, sentence } of read.warnings) warn(at, sentence)
      const fallback: PagePart[] = []
      put({ menu: read.tag, fallback })
      const { node } = levels.at(-1)!
      if (!isSelfClosing) levels.push({ parts: fallback, node, menuAt: read.tag.at, prefix: read.prefix })
    },
    onMenuEnd: close,
    onLink: (chunk, from, to) => put({ link: decode([chunk.subarray(from, to)]) }),
  }

  const scanner = createScanner(
    {
      ...(isPage && ofPage),
      onText(chunk, from, to) {
        if (to > from) text.push(chunk.slice(from, to))
      },
      onFragmentStart(chunk, from, to, isSelfClosing, offset) {
        const read = readFragmentTag(decode([chunk.subarray(from, to)]), positionOf(offset))
        if (levels.some(({ menuAt }) => menuAt)) fail(read.tag.at, FRAGMENT_IN_MENU)
        for (const { at, sentence } of read.faults) fail(at, sentence)
        for (const { at, sentence } of read.warnings) warn(at, sentence)
        const node = { ...read.tag, index: nodes.length, parent: levels.at(-1)!.node?.index }
        nodes.push(node)
        const fallback: PagePart[] = []
        put({ fragment: node.index, fallback })
        if (!isSelfClosing) levels.push({ parts: fallback, node, prefix: read.prefix })
      },
      onFragmentEnd: close,
      onStrayEnd(offset) {
        const [name = ''] =
          /^<[^\t\n\f\r >]+/.exec(decode([bytes.subarray(offset, offset + MOST_END_BYTES)])) ?? []
        fail(
          positionOf(offset),
          `${name}> closes nothing; take it out, or see whether the tag it belongs to ends in "/>" or has another prefix`,
        )
      },
      onAttributes(json, offset) {
        const at = positionOf(offset)
        if (nodes.length > 0) {
          warn(
            at,
            'the attributes script is left out, as it stands behind a fragment tag: move it into the head',
          )
        } else if (attributes !== undefined) {
          warn(at, 'this attributes script is left out: a page has one')
        } else {
          attributes = decode([json])
          if (!namesIn(attributes)) {
            warn(at, 'the attributes script holds no JSON object, so nothing is known of its names')
          }
        }
      },
      onHeadEnd: () => mark('head'),
      onBodyEnd: () => mark('end'),
    },
    { onOversize: (what, offset) => fail(positionOf(offset), OVERSIZED[what]) },
  )
  scanner.write(bytes)
  scanner.end()
  flushText()

  for (const { node, menuAt, prefix } of levels.slice(1)) {
    if (menuAt) fail(menuAt, neverClosed(prefix, 'menu'))
    else fail(node!.at, neverClosed(prefix))
  }
  const template: Template<PagePart> = { parts: levels[0]!.parts, nodes, attributes, warnings }
  return { template, faults: faults.sort(byPlace) }
}

/** Of an end tag up to behind its name. */
const MOST_END_BYTES = 160
/** Nobody reads more, and each costs as much as a kilobyte of the page. */
const MOST_FAULTS = 1000

/** What is wrong with the tags beside each other. After a syntax error an unknown import may only be a consequence. */
function checked(
  { nodes, attributes }: Template<PagePart>,
  { attributes: given, local, service }: CompileOptions,
  place: NamePlace,
  isBroken: boolean,
): FragmentError[] {
  const scripted = attributes === undefined ? undefined : namesIn(attributes)
  const own = given || scripted ? new Set([...(given ?? []), ...(scripted ?? [])]) : undefined
  const faults = faultsOf({
    nodes,
    place,
    attributes: own,
    localAttributes: (tag) => (tag.service === '' || tag.service === service ? local?.(tag.ref) : undefined),
  })
  return isBroken ? faults.filter((fault) => fault.name !== 'FragmentUnknownImport') : faults
}

/** Names of an attributes script; undefined when it is no JSON object. */
function namesIn(json: string): string[] | undefined {
  const attributes = readPageAttributes(json)
  return typeof attributes === 'string' ? undefined : Object.keys(attributes)
}

function byPlace({ at: one }: FragmentError, { at: other }: FragmentError): number {
  if (!one || !other) return 0
  return one.line - other.line || one.column - other.column
}

/** A byte order mark is text like any other: what was put in comes out. */
function decode(chunks: readonly Uint8Array[]): string {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  return chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join('') + decoder.decode()
}
