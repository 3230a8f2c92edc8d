/**
 * The answer Medusa's applications can read: a bare array with one entry for each id they asked for
 * (`medusa.md` 1.3). Their client reads 256 KiB of it and takes more for a failure of the whole page.
 *
 * @module
 */
import type { RenderedFragment } from '@hydra-gateway/protocol'

/** The answer as JSON, and the fragments that had to show their fallbacks so that it fits. */
export interface BareAnswer {
  readonly json: string
  readonly left: readonly { readonly id: string; readonly bytes: number }[]
}

/** Puts the answer together in less than `mostBytes`; the largest fragments are left out where it would be more. */
export function bareAnswer(fragments: readonly RenderedFragment[], mostBytes: number): BareAnswer {
  const entries = fragments.map(({ id, renderedHTML }) => {
    const json = entry(id, renderedHTML)
    return { id, json, bytes: Buffer.byteLength(json), isEmpty: renderedHTML === null }
  })
  // Commas and brackets.
  let total = entries.reduce((sum, { bytes }) => sum + bytes + 1, 1)
  const left: { id: string; bytes: number }[] = []
  if (total >= mostBytes) {
    for (const each of entries.filter(({ isEmpty }) => !isEmpty).sort((a, b) => b.bytes - a.bytes)) {
      left.push({ id: each.id, bytes: each.bytes })
      each.json = entry(each.id, null)
      total += Buffer.byteLength(each.json) - each.bytes
      if (total < mostBytes) break
    }
  }
  return { json: `[${entries.map(({ json }) => json).join(',')}]`, left }
}

function entry(id: string, renderedHTML: string | null): string {
  return JSON.stringify({ renderedHTML, id })
}
