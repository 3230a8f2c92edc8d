/**
 * A page, compiled for rendering: pieces of text, fragments, and the two places where something is put in.
 *
 * @module
 */
import {
  type CompileOptions,
  compilePage,
  compileTemplate,
  FragmentError,
  type FragmentNode,
  type MenuTag,
  type NamePlace,
  type PagePart,
  type PagePlaceName,
  placesOf,
  readPageAttributes,
} from '@hydra-gateway/protocol/fragments'
import type { PageBinding } from './binding.ts'
import { checkLinks, slipsIn } from './page-slips.ts'

export interface FragmentOp {
  readonly fragment: number
  readonly fallback: readonly Op[]
  /** A `required` fragment stands in the fallback. */
  readonly holdsRequired: boolean
}
/** Shown in place of a menu nobody has. */
export interface MenuOp {
  readonly menu: MenuTag
  readonly fallback: readonly Op[]
}
/** The start tag of a marked link, as it is written. */
export interface LinkOp {
  readonly link: string
}
export type Op = string | FragmentOp | MenuOp | LinkOp | { readonly place: PagePlaceName }

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
  /** It is a fragment's HTML: menus and links in it are for the page it stands in. */
  readonly isPart?: boolean
  /** It was made for one request: what a page that is the same for everybody must not have, this is told of. */
  readonly isMade?: boolean
}

/**
 * Compiles a page of a service.
 *
 * @throws FragmentError for the first fault
 */
export function compileProgram(
  html: string,
  { service, fragments }: Pick<PageBinding, 'service' | 'fragments'>,
  { name, place = placesOf(name), attributes, isPart = false, isMade = false }: ProgramOptions,
): Program {
  const template = (isPart ? compileTemplate : compilePage)(html, {
    name,
    place,
    service,
    ...(attributes && { attributes }),
    local: (ref) => {
      const options = fragments.definition(ref)?.options
      return options && [...(options.exports ?? []), ...(options.attributes ?? [])]
    },
  })
  const ops = opsOf(template.parts, template.nodes)
  const slips = isPart ? [] : slipsIn(html, place)
  checkLinks(html, ops, place, isMade ? (sentence) => slips.push(sentence) : undefined)
  return {
    name,
    place,
    ops,
    nodes: template.nodes,
    attributes: attributesOf(template.attributes, name),
    warnings: [
      ...template.warnings.map((warning) => (warning.startsWith(name) ? warning : `${name}: ${warning}`)),
      ...slips,
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

function opsOf(parts: readonly PagePart[], nodes: readonly FragmentNode[]): Op[] {
  return parts.map((part): Op => {
    if (typeof part === 'string' || !('fallback' in part)) return part
    if ('menu' in part) return { menu: part.menu, fallback: opsOf(part.fallback, nodes) }
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
