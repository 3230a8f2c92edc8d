/**
 * Fragments in a fragment's HTML: found, and put together when they are there.
 *
 * A service may answer with tags it doesn't resolve itself, in whatever language it is written. Tags that can't be
 * compiled cost their own resolution only: they are taken out, and what stands in them stays.
 *
 * @module
 */
import {
  createScanner,
  fragmentMarkers,
  mayHoldTags,
  readPageAttributes,
  readTemplate,
  type Template,
  type TemplatePart,
} from '@hydra-gateway/protocol/fragments'
import type { Outcome } from './port.ts'

/** HTML with fragments in it. */
export interface Nested {
  readonly template: Template
  /** What its `<script type="application/json" m:attributes>` says. */
  readonly attributes: Readonly<Record<string, unknown>>
}

/** Told what is left out, by a word for the metrics, and why. */
type OnFault = (what: 'nested-tags' | 'attributes-unreadable', detail: string) => void

const NO_ATTRIBUTES = Object.freeze({})

/** HTML that has fragments, compiled; HTML that is ready, as it is. */
export function readNested(html: string, name: string, onFault: OnFault): Nested | string {
  if (!mayHoldTags(html)) return html
  const { template, faults } = readTemplate(html, { name })
  const [fault] = faults
  if (fault) {
    onFault('nested-tags', fault.message)
    return withoutTags(html)
  }
  if (template.nodes.length === 0) return html
  return { template, attributes: readAttributes(template.attributes, onFault) }
}

/** The page with each fragment, or its fallback, in its place; `isMarked` with the comments of the X-ray around it. */
export function assemble(
  parts: readonly TemplatePart[],
  outcomes: ReadonlyMap<number, Outcome>,
  isMarked: boolean,
): string {
  let html = ''
  for (const part of parts) {
    if (typeof part === 'string') {
      html += part
      continue
    }
    const outcome = outcomes.get(part.fragment)
    const inside = outcome?.html ?? assemble(part.fallback, outcomes, isMarked)
    if (isMarked && outcome) {
      const { begin, end } = fragmentMarkers(outcome.report.id)
      html += begin + inside + end
    } else html += inside
  }
  return html
}

function readAttributes(json: string | undefined, onFault: OnFault): Readonly<Record<string, unknown>> {
  if (json === undefined) return NO_ATTRIBUTES
  const attributes = readPageAttributes(json)
  if (typeof attributes !== 'string') return attributes
  onFault('attributes-unreadable', `its attributes script ${attributes}`)
  return NO_ATTRIBUTES
}

/** Tags gone, their fallbacks kept. */
function withoutTags(html: string): string {
  const kept: Buffer[] = []
  const scanner = createScanner({
    // Ranges are valid during the call only.
    onText: (bytes, from, to) => void kept.push(Buffer.from(bytes.subarray(from, to))),
    onFragmentStart() {},
    onFragmentEnd() {},
    onAttributes() {},
    onHeadEnd() {},
    onBodyEnd() {},
  })
  scanner.write(Buffer.from(html))
  scanner.end()
  return Buffer.concat(kept).toString()
}
