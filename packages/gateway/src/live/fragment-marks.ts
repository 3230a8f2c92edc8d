/**
 * Marks of live fragments: a page that shows a fallback may ask when its fragment is back, and nobody can ask about
 * others. The proof is by a key derived from the private key for this alone, so that services make the same marks.
 *
 * @module
 */
import {
  FRAGMENT_MARK_LABEL,
  type FragmentMarkParts,
  formatFragmentMark,
  parseFragmentMark,
} from '@hydra-gateway/protocol'
import { createRecent } from '../proxy/recent.ts'
import { createSigner } from '../proxy/signing.ts'
import type { FragmentMarks } from './port.ts'

/** Marks are few, and asked about by every page that opens its stream again. */
const MOST_KEPT = 1000

export function createFragmentMarks({
  privateKeys,
}: {
  /** The first signs, all verify. */
  readonly privateKeys: readonly string[]
}): FragmentMarks {
  const signer = createSigner(privateKeys, FRAGMENT_MARK_LABEL)
  const isProof = (text: string, proof: string): boolean => signer.signedBy(text, proof) >= 0
  const known = createRecent<FragmentMarkParts>(MOST_KEPT)
  const made = createRecent<string>(MOST_KEPT)
  return {
    make(service, ref, occurrence) {
      const key = `${service}\n${ref}\n${occurrence}`
      const before = made.get(key)
      if (before !== undefined) return before
      const mark = formatFragmentMark({ service, ref, occurrence }, signer.sign)
      made.add(key, mark)
      return mark
    },
    read(mark) {
      const before = known.get(mark)
      if (before !== undefined) return before
      const parts = parseFragmentMark(mark, isProof)
      // Of those that are none nothing is kept: they cost a hash, and would push out those that are.
      if (parts !== undefined) known.add(mark, parts)
      return parts
    },
  }
}
