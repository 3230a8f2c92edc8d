/**
 * A page, compiled for rendering: pieces of text, fragments, and the two places where something is put in.
 *
 * @module
 */
import {
  type CompileOptions,
  compileTemplate,
  createScanner,
  FragmentError,
  type FragmentNode,
  type NamePlace,
  placesOf,
  readPageAttributes,
  type TemplatePart,
} from '@hydra-gateway/protocol/fragments'
import type { PageBinding } from './binding.ts'

/** `head`: just before `</head>`. `end`: just before `</body>`. */
export type Mark = 'head' | 'end'

export interface FragmentOp {
  readonly fragment: number
  readonly fallback: readonly Op[]
  /** A `required` fragment stands in the fallback. */
  readonly holdsRequired: boolean
}
export type Op = string | FragmentOp | { readonly mark: Mark }

export interface Program {
  readonly name: string
  readonly place: NamePlace
  readonly ops: readonly Op[]
  readonly nodes: readonly FragmentNode[]
  /** What the page says of itself in its attributes script. */
  readonly attributes: Readonly<Record<string, unknown>>
  readonly warnings: readonly string[]
}

/** What a page is called, and what it has. */
export interface ProgramOptions extends Pick<CompileOptions, 'place' | 'attributes'> {
  readonly name: string
}

/**
 * Compiles a page of a service.
 *
 * @throws FragmentError for the first fault
 */
export function compileProgram(
  html: string,
  { service, fragments }: Pick<PageBinding, 'service' | 'fragments'>,
  { name, place = placesOf(name), attributes }: ProgramOptions,
): Program {
  const template = compileTemplate(html, {
    name,
    place,
    service,
    ...(attributes && { attributes }),
    local: (ref) => {
      const options = fragments.definition(ref)?.options
      return options && [...(options.exports ?? []), ...(options.attributes ?? [])]
    },
  })
  const ops = withMarks(opsOf(template.parts, template.nodes), marksOf(html))
  return {
    name,
    place,
    ops,
    nodes: template.nodes,
    attributes: attributesOf(template.attributes, name),
    warnings: [
      ...template.warnings.map((warning) => (warning.startsWith(name) ? warning : `${name}: ${warning}`)),
      ...unknownRefs(template.nodes, place, service, fragments),
    ],
  }
}

/** Whether a fragment is of the service that made the page. */
export function isOwn(service: string, own: string): boolean {
  return service === '' || service === 'self' || service === own
}

export function isFilled(text: string): boolean {
  return !text.includes('${')
}

function unknownRefs(
  nodes: readonly FragmentNode[],
  place: NamePlace,
  own: string,
  fragments: PageBinding['fragments'],
): string[] {
  return nodes
    .filter(({ service, ref }) => isOwn(service, own) && isFilled(ref) && !fragments.has(ref))
    .map(
      ({ ref, at }) =>
        `${place(at)}: this service has no fragment "${ref}", so the fallback is shown; add it to the option fragments`,
    )
}

function attributesOf(json: string | undefined, name: string): Readonly<Record<string, unknown>> {
  if (json === undefined) return {}
  const attributes = readPageAttributes(json)
  if (typeof attributes !== 'string') return attributes
  throw new FragmentError('FragmentSyntaxError', `${name}: the attributes script ${attributes}`)
}

function opsOf(parts: readonly TemplatePart[], nodes: readonly FragmentNode[]): Op[] {
  return parts.map((part): Op => {
    if (typeof part === 'string') return part
    const fallback = opsOf(part.fallback, nodes)
    return { fragment: part.fragment, fallback, holdsRequired: holdsRequired(fallback, nodes) }
  })
}

function holdsRequired(ops: readonly Op[], nodes: readonly FragmentNode[]): boolean {
  return ops.some(
    (op) =>
      typeof op === 'object' &&
      'fragment' in op &&
      (nodes[op.fragment]?.required === true || op.holdsRequired),
  )
}

/** A place in a page: behind so many fragments, and so many characters of text since. */
interface Place {
  readonly mark: Mark
  readonly fragments: number
  readonly characters: number
}

/** Where head and body end. Places in fallbacks are none. */
function marksOf(html: string): Place[] {
  const places: Place[] = []
  let depth = 0
  let fragments = 0
  let bytes = 0
  const since: Buffer[] = []
  const note = (mark: Mark) => {
    if (depth > 0) return
    places.push({ mark, fragments, characters: Buffer.concat(since, bytes).toString().length })
  }
  const scanner = createScanner({
    onText(text, from, to) {
      if (depth > 0) return
      since.push(Buffer.from(text.subarray(from, to)))
      bytes += to - from
    },
    onFragmentStart(_tag, _from, _to, isSelfClosing) {
      if (depth === 0) {
        fragments++
        since.length = 0
        bytes = 0
      }
      if (!isSelfClosing) depth++
    },
    onFragmentEnd() {
      depth--
    },
    onAttributes() {},
    onHeadEnd: () => note('head'),
    onBodyEnd: () => note('end'),
  })
  scanner.write(Buffer.from(html))
  scanner.end()
  return places
}

/** Puts marks into the ops of a page; text is split where one falls into it. */
function withMarks(ops: readonly Op[], places: readonly Place[]): Op[] {
  const marked: Op[] = []
  const left = [...places]
  let fragments = 0
  let characters = 0
  const take = (until: number): Place | undefined =>
    left[0]?.fragments === fragments && left[0].characters <= until ? left.shift() : undefined
  for (const op of ops) {
    if (typeof op === 'object') {
      for (let place = take(characters); place; place = take(characters)) marked.push({ mark: place.mark })
      marked.push(op)
      fragments++
      characters = 0
      continue
    }
    let from = 0
    for (let place = take(characters + op.length - 1); place; place = take(characters + op.length - 1)) {
      marked.push(op.slice(from, place.characters - characters), { mark: place.mark })
      from = place.characters - characters
    }
    marked.push(op.slice(from))
    characters += op.length
  }
  for (const { mark } of left) marked.push({ mark })
  return marked.filter((op) => op !== '')
}
