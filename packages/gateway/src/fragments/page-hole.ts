/**
 * A place in a page where a fragment, or its fallback, will stand.
 *
 * @module
 */
import type { Asset, FragmentTag } from '@hydra-gateway/protocol/fragments'
import type { Held } from './hold.ts'
import type { Outcome } from './port.ts'

/** A fragment that waits in the queue of its page. */
export interface Hole extends Held {
  readonly index: number
  readonly tag: FragmentTag
  /** What is shown when it falls back. */
  readonly fallback: readonly (Buffer | Hole)[]
  readonly nested: readonly Hole[]
  /** Known before it is rendered. */
  readonly declared: readonly Asset[]
  /** Where it is live, and its page can fetch itself again. */
  readonly mark: string | undefined
  /** Of its fallback, for the bound of what waits. */
  readonly sizeBytes: number
  outcome: Outcome | undefined
}

/** What becomes of a tag beyond the most a page may have: nobody is asked. */
export function tooMany(tag: FragmentTag): Outcome {
  const detail = 'the page has more fragments than the gateway asks for'
  return {
    index: -1,
    html: undefined,
    reason: 'too-many',
    assets: undefined,
    instance: undefined,
    exports: undefined,
    report: {
      id: '',
      service: tag.service,
      ref: tag.ref,
      wave: 1,
      startMs: 0,
      durationMs: 0,
      bytes: 0,
      imports: [],
      exports: [],
      reason: 'too-many',
      detail,
    },
  }
}
