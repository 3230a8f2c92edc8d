/**
 * Markup that is put into pages beside the fragments themselves: X-ray markers and data, the end of a page that
 * can't be shown. Written by the gateway and by services alike.
 *
 * @module
 */
import type { FragmentReport } from '../fragment.ts'

/** JSON as it may stand in a script element: nothing in it can end the element, or begin a comment. */
export function jsonInScript(value: unknown): string {
  return (JSON.stringify(value) ?? 'null').replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Comments around a fragment, for the X-ray: its HTML or its fallback stands between them. */
export function fragmentMarkers(id: string): { readonly begin: string; readonly end: string } {
  const safe = id.replace(/[^A-Za-z0-9_.:-]|--/g, '_')
  return { begin: `<!--hydra:fragment ${safe}-->`, end: `<!--/hydra:fragment ${safe}-->` }
}

/** What the X-ray of a page knows. */
export interface XrayData {
  /** Service that made the page. */
  readonly service: string
  /** Joins it to logs. */
  readonly exchange?: string
  /** When the head left, from the beginning of the page. */
  readonly headMs?: number
  readonly totalMs: number
  /** In document order, as far as they were asked for. */
  readonly fragments: readonly FragmentReport[]
}

/** What stands just before `</body>` of a page with X-ray: its data, and the overlay that shows them. */
export function xrayTags(data: XrayData): string {
  return (
    `<script type="application/json" id="hydra-xray">${jsonInScript(data)}</script>` +
    '<script src="/_hydra/xray.js" defer></script>'
  )
}

/** Shown in place of a `required` fragment that failed, as the last thing of a page that is cut off then. */
export function requiredFailedBlock(): string {
  return (
    '<div role="alert" class="hydra-required-failed" ' +
    'style="margin:1rem 0;padding:1rem;border:2px solid #a3262a;background:#fff;color:#1a1a1a;font:1rem/1.5 system-ui,sans-serif">' +
    '<strong>This page could not be completed.</strong> A part it can’t do without is not available. ' +
    'Please load it again in a moment.</div>'
  )
}
