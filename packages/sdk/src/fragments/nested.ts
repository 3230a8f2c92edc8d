/**
 * Fragments inside of a fragment: its HTML is a page of its own, in which it is the page.
 *
 * @module
 */

import type { Asset } from '@hydra-gateway/protocol/fragments'
import type { PageBinding } from './binding.ts'
import type { ResolveNested } from './definition.ts'
import { FragmentFailure } from './failure.ts'
import { checkExports } from './page.ts'
import { warnOfMade } from './page-log.ts'
import { compileProgram } from './page-program.ts'
import { visitorOf } from './page-request.ts'
import { createRendering } from './rendering.ts'
import { createRun, type Run } from './rendering-run.ts'
import { sessionsOf } from './sessions.ts'

/** The page around has a budget of its own, and cancels. */
const BUDGET_MS = 3000

/**
 * Makes what resolves the fragments inside of fragments of this service. `chain` of the context names those around,
 * the fragment itself included: one that stands inside itself shows its fallback.
 */
export function createResolveNested(binding: PageBinding): ResolveNested {
  return async (html, { attributes, context: around, signal }) => {
    const name = around.chain?.at(-1) ?? 'a fragment'
    const program = compileProgram(html, binding, { name, isPart: true })
    if (program.nodes.length === 0) return { html, attributes }
    warnOfMade(name, program.warnings, binding)
    checkExports(program, attributes)
    // Reports of these would have nowhere to go.
    const { xray: _nobodyReads, ...context } = around
    const { nodes } = program
    let run: Run | undefined
    const assets: Asset[] = []
    const rendering = createRendering({
      hold: true,
      signal,
      log: () => binding.log,
      open() {
        const sessions = sessionsOf(binding)(visitorOf(context.route), undefined)
        run = createRun({ name, nodes, attributes, context, binding, sessions, budgetMs: BUDGET_MS })
        return {
          program,
          run,
          service: binding.service,
          isXray: false,
          onAssets: (found) => void assets.push(...found),
        }
      },
    })
    try {
      const text = await rendering.text()
      const urls = (kind: Asset['kind']) =>
        assets.flatMap((asset) => (asset.kind === kind ? [asset.url] : []))
      return {
        html: text,
        attributes: run?.attributes ?? attributes,
        ...(assets.length > 0 && { assets: { styles: urls('style'), scripts: urls('script') } }),
      }
    } catch (fault) {
      throw signal.aborted
        ? signal.reason
        : new FragmentFailure('failed', `${name}: ${(fault as Error).message}`, fault)
    }
  }
}
