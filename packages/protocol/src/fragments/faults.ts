/**
 * What people read when the fragments of a page don't fit together: both places, and a way out.
 *
 * @module
 */
import { nearest } from '../nearest.ts'
import type { Step } from './graph.ts'
import { formatTransfer } from './lists.ts'
import type { FragmentTag, Transfer } from './model.ts'
import type { NamePlace } from './position.ts'

/** Longest cycle that is told step by step. */
const MOST_STEPS = 20

/** A tag exports what another one exports already; `other` may be the tag itself, or undefined for the page. */
export function exportConflict(
  place: NamePlace,
  tag: FragmentTag,
  transfer: Transfer,
  other: FragmentTag | undefined,
  isTaken: (name: string) => boolean,
): string {
  const wayOut = `write exports="${transfer.from} as ${aliasFor(tag, transfer.to, isTaken)}"`
  const what = `${place(tag.at)} exports "${transfer.to}"`
  if (other === undefined) return `${what}, which is an attribute of the page; ${wayOut}`
  if (other === tag) return `${what} twice; ${wayOut} for one of them`
  return `${what}, as the tag at ${place(other.at)} does already; ${wayOut} in one of them`
}

/** A tag imports two values under one name. */
export function importTwice(place: NamePlace, tag: FragmentTag, one: Transfer, other: Transfer): string {
  const both = `"${formatTransfer(one)}" and "${formatTransfer(other)}"`
  const wayOut = `write imports="${other.from} as ${joined('other', other.to)}" for one of them`
  return `${place(tag.at)} imports ${both}, which are both called "${other.to}" in the fragment; ${wayOut}`
}

/** A tag imports something under a name its fragment, a local one, sets itself. */
export function importOfOwn(place: NamePlace, tag: FragmentTag, { from, to }: Transfer): string {
  return `${place(tag.at)} imports "${to}", which the fragment "${tag.ref}" sets itself; write imports="${from} as ${joined('page', to)}"`
}

/** Nobody provides what a tag imports. `known`: names the page or its fragments have. */
export function unknownImport(
  place: NamePlace,
  tag: FragmentTag,
  name: string,
  known: Iterable<string>,
): string {
  const meant = nearest(name, known)
  const hint = meant === undefined ? '' : `did you mean "${meant}"? Else `
  return `${place(tag.at)} imports "${name}", which neither the page nor a fragment of it provides; ${hint}declare it among the page's attributes, or have a fragment export it`
}

/** Fragments wait for each other. */
export function cycle(place: NamePlace, tags: readonly FragmentTag[], path: readonly Step[]): string {
  const label = (index: number) => `"${tags[index]!.ref}" (${place(tags[index]!.at)})`
  const [first] = path
  if (path.length === 1) {
    const tag = tags[first!.from]!
    return `${place(tag.at)} imports "${first!.name}", which it exports itself; take it out of imports, or write exports="… as ${aliasFor(tag, first!.name!)}"`
  }
  const told = path.slice(0, MOST_STEPS).map(({ from, to, name }) => {
    if (name === undefined) return `${label(from)} holds ${label(to)} in its fallback`
    return `${label(from)} exports "${name}" to ${label(to)}`
  })
  if (path.length > told.length) told.push(`and so on, ${path.length} steps in all`)
  return `fragments wait for each other: ${told.join(', ')}; take one of these imports out, or let the page provide it`
}

/** A start tag without its end. `prefix`: what stands before its colon. */
export function neverClosed(prefix: string, what: 'fragment' | 'menu' = 'fragment'): string {
  return `this ${what} is never closed; write </${prefix}:${what}> behind its fallback, or end its tag in "/>"`
}

/** Whether there is such a menu is known at once; what a fragment would have to be asked for. */
export const FRAGMENT_IN_MENU =
  'a fragment can’t stand in the fallback of a menu; put it beside the menu, or write plain HTML there'

/** What the scanner left as text, as it is more than it reads. */
export const OVERSIZED = {
  tag: 'this tag is longer than 64 KB; is a quote missing?',
  attributes:
    'the attributes script is longer than 64 KB; keep what fragments import, and leave the rest out',
  depth: 'fragments are nested too deeply here',
} as const

/** `${name}` in a service or ref can't be filled. */
export function unresolvedName(place: NamePlace, tag: FragmentTag): string {
  const what = tag.service.includes('${') ? `service="${tag.service}" ref="${tag.ref}"` : `ref="${tag.ref}"`
  return `${place(tag.at)}: ${what} needs an attribute of the page that is text or a number, and it has none of that name`
}

/** A name nobody has: `total` of `checkout` becomes `checkoutTotal`. */
function aliasFor(tag: FragmentTag, name: string, isTaken: (name: string) => boolean = () => false): string {
  const words = tag.ref.replaceAll(/\$\{[^}]*\}/g, ' ').match(/[A-Za-z0-9]+/g) ?? []
  const prefix = words.map((word, i) => (i === 0 ? lowerFirst(word) : upperFirst(word))).join('')
  const alias = joined(/^[a-z]/.test(prefix) ? prefix : 'other', name)
  let free = alias
  for (let n = 2; isTaken(free); n++) free = `${alias}${n}`
  return free
}

/** `page` and `total`: `pageTotal`. */
export function joined(prefix: string, name: string): string {
  return prefix + upperFirst(name)
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
