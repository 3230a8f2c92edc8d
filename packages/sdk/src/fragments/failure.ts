/**
 * Why a fragment was not rendered.
 *
 * @module
 */
import type { FallbackReason } from '@hydra-gateway/protocol'

/** No HTML: whoever asked shows the fallback. `reason` is one of the words of reports and metrics. */
export class FragmentFailure extends Error {
  readonly reason: FallbackReason

  constructor(reason: FallbackReason, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'FragmentFailure'
    this.reason = reason
  }
}
