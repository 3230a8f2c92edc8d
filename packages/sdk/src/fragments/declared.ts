/**
 * What the gateway is told of fragments and pages, so that what doesn't fit together is found before a visitor
 * does.
 *
 * @module
 */
import { MOST_USES, type RefDeclaration, type UseDeclaration } from '@hydra-gateway/protocol'
import { accessOf } from '../identity/access.ts'
import type { PageOption } from './binding.ts'
import type { FragmentDefinition } from './definition.ts'

/**
 * Fragments as a registration declares them.
 *
 * @throws TypeError when two have one name.
 */
export function refsOf(fragments: readonly FragmentDefinition[] = []): RefDeclaration[] {
  const refs = new Set<string>()
  return fragments.map(({ ref, options }) => {
    const { exports = [], attributes = [], imports, assets } = options
    if (refs.has(ref)) throw new TypeError(`fragments: two are called "${ref}"`)
    refs.add(ref)
    return {
      ref,
      // What it gives to pages is its own as well.
      attributes: [...new Set([...exports, ...attributes])],
      ...(imports && { imports: [...imports] }),
      ...(assets && { assets }),
      ...accessOf(options),
    }
  })
}

/**
 * Tags of pages as a registration declares them. Pages have to be compiled. Those that ask for fragments of the `own`
 * service are told for people to see, and as many of them as there is room for.
 */
export function usesOf(own: string, pages: readonly PageOption[] = []): UseDeclaration[] {
  const all = pages.flatMap((page) => page.uses()).map((use) => ({ ...use }))
  const others = all.filter(({ service }) => service !== own)
  const room = Math.max(0, MOST_USES - others.length)
  return [...others, ...all.filter(({ service }) => service === own).slice(0, room)]
}
