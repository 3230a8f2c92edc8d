/**
 * One fragment of this service, rendered for one of its own pages: in process, for as long as the page waits.
 *
 * @module
 */
import type { FallbackReason, FragmentContext } from '@hydra-gateway/protocol'
import { nameForLog } from '../log.ts'
import type { PageBinding } from './binding.ts'
import type { LocalResult } from './definition.ts'
import { FragmentFailure } from './failure.ts'
import { messageOf } from './local.ts'
import type { Say } from './page-log.ts'

export interface OwnRequest {
  readonly ref: string
  readonly values: Readonly<Record<string, unknown>>
  readonly session: unknown
  readonly context: FragmentContext
  /** How long the page waits for it. */
  readonly timeoutMs: number
}

/** One of these is called, once, and never before `renderOwn` returned. */
export interface OwnReceiver {
  onRendered(result: LocalResult): void
  /** What there is to say of it has been said. */
  onFailed(reason: FallbackReason): void
}

/** Renders it. Returns how to give up: nothing is called back afterwards, and its handler is told. */
export function renderOwn(
  { fragments, log }: Pick<PageBinding, 'fragments' | 'log'>,
  { timeoutMs, ...request }: OwnRequest,
  say: Say,
  receiver: OwnReceiver,
): () => void {
  const { ref } = request
  const aborter = new AbortController()
  const abort = (reason: FallbackReason, why: string) => aborter.abort(new FragmentFailure(reason, why))
  let isOver = false
  /** False when it was over before. */
  const end = (): boolean => {
    if (isOver) return false
    isOver = true
    clearTimeout(timer)
    return true
  }
  const timer = setTimeout(() => {
    if (!end()) return
    say('timeout', `fragment "${nameForLog(ref)}" took more than ${timeoutMs} ms; its fallback is shown`)
    abort('timeout', `nobody waits longer than ${timeoutMs} ms`)
    receiver.onFailed('timeout')
  }, timeoutMs)
  fragments.render({ ...request, signal: aborter.signal }).then(
    (result) => {
      if (end()) receiver.onRendered(result)
    },
    (thrown: unknown) => {
      if (!end()) return
      const failure = thrown instanceof FragmentFailure ? thrown : undefined
      const reason = failure?.reason ?? 'failed'
      const cause = failure ? failure.cause : thrown
      if (reason === 'failed') log.error(`fragment "${ref}" failed: ${traceOf(cause) ?? messageOf(thrown)}`)
      // To decline is an answer, not trouble.
      else if (reason !== 'declined')
        say(reason, `fragment "${nameForLog(ref)}" is not shown: ${messageOf(thrown)}`)
      receiver.onFailed(reason)
    },
  )
  return () => {
    if (end()) abort('cancelled', 'nobody waits for the fragment any more')
  }
}

function traceOf(cause: unknown): string | undefined {
  return cause instanceof Error ? (cause.stack ?? cause.message) : undefined
}
