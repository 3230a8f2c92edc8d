/**
 * The X-ray overlay as one script, with its style sheet in it: pages that carry X-ray data load it.
 *
 * @module
 */
import { compactCss, compactScript, readAsset } from './inline.ts'

let script: string | undefined

/** The script. No policy of a page stands in its way but one without scripts from its own site. */
export function xrayScript(): Response {
  script ??= [
    '(() => {',
    `const SHEET = ${JSON.stringify(compactCss(['tokens.css', 'xray.css'].map(readAsset).join('\n')))}`,
    compactScript(readAsset('xray.js')),
    '})()',
  ].join('\n')
  return new Response(script, {
    headers: {
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'private, no-cache',
      'x-content-type-options': 'nosniff',
    },
  })
}
