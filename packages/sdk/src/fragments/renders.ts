/**
 * Renders fragments of this service for others, whichever way they ask: several at a time, each on its own, and
 * never more than the service can stand.
 *
 * A fragment that fails, is too large or is not there costs itself only. All fragments of one request are for one
 * visitor: they get one session, and of those that return one, the last one stays.
 *
 * @module
 */
import type { RenderedFragments } from '@hydra-gateway/protocol'
import { type Log, nameForLog } from '../log.ts'
import { createSeldom } from '../seldom.ts'
import type { LocalFragments, LocalResult } from './definition.ts'
import { FragmentFailure } from './failure.ts'
import { messageOf } from './local.ts'
import type { AskedFragment, AskedFragments } from './render-request.ts'

export interface RendersDeps {
  readonly fragments: Pick<LocalFragments, 'render'>
  readonly log: Log
  /** Most fragments at a time. */
  readonly maxRenders: number
  /** Any clock, ms: for how often the same trouble is said. */
  readonly now: () => number
}

export interface Renders {
  /**
   * Renders what is asked for; each fragment is told as soon as it is ready, with the session it returned. Resolves
   * when all are told, or the signal aborts; nothing is told after that.
   *
   * @throws FragmentFailure (overloaded), at once, when there is no room
   */
  render(asked: AskedFragments, signal: AbortSignal, onItem: (item: RenderedFragments) => void): Promise<void>
  /** Resolves when nobody waits for anything; handlers that were given up may still be busy. */
  idle(): Promise<void>
}

/** HTML above this is never sent: it would not fit into one frame. */
const MOST_BYTES = 4 * 1024 * 1024

/** Makes the renders of a service. */
export function createRenders({ fragments, log, maxRenders, now }: RendersDeps): Renders {
  const waiting = new Set<() => void>()
  const idlers: (() => void)[] = []
  const warnSeldom = createSeldom(log.warn, now)
  /** Handlers at work, and requests somebody waits for. */
  let busy = 0
  let open = 0

  /** Takes a place, or waits for one. Rejects when nobody waits for the fragment any more. */
  async function enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (busy < maxRenders) busy++
    else
      await new Promise<void>((resolve, reject) => {
        const give = () => {
          signal.removeEventListener('abort', abort)
          resolve()
        }
        const abort = () => {
          waiting.delete(give)
          reject(signal.reason)
        }
        waiting.add(give)
        signal.addEventListener('abort', abort, { once: true })
      })
  }

  function leave(): void {
    const [next] = waiting
    if (!next) busy--
    else {
      // The place goes on to who waits for it.
      waiting.delete(next)
      next()
    }
  }

  function admit(): void {
    if (busy < maxRenders) return
    const message = `${busy} fragments are being rendered, which is all this service renders at a time (maxRenders)`
    warnSeldom('overloaded', `${message}; requests for fragments are turned down`)
    throw new FragmentFailure('overloaded', message)
  }

  async function renderOne(
    { id, ref, values }: AskedFragment,
    { session, context, maxBytes = MOST_BYTES }: AskedFragments,
    signal: AbortSignal,
  ): Promise<RenderedFragments> {
    try {
      await enter(signal)
      const result = await fragments.render({ ref, values, session, context, signal, onDone: leave })
      return itemOf(id, result, Math.min(maxBytes, MOST_BYTES))
    } catch (fault) {
      const failure =
        fault instanceof FragmentFailure ? fault : new FragmentFailure('failed', messageOf(fault), fault)
      if (!signal.aborted) report(ref, failure)
      return { fragments: [{ id, renderedHTML: null, reason: failure.reason }] }
    }
  }

  function report(ref: string, { reason, message, cause }: FragmentFailure): void {
    if (reason === 'declined') return
    // Nobody else hears of what a handler threw, so it is said each time, with the place.
    if (reason === 'failed') {
      const what = cause instanceof Error ? (cause.stack ?? cause.message) : message
      log.error(`fragment "${ref}" failed: ${what}`)
    } else warnSeldom(reason, `fragment "${nameForLog(ref)}" is not shown: ${message}`)
  }

  function itemOf(id: string, result: LocalResult, maxBytes: number): RenderedFragments {
    const { html, exports, assets } = result
    const bytes = Buffer.byteLength(html)
    if (bytes > maxBytes)
      throw new FragmentFailure('too-large', `its html has ${bytes} bytes, at most ${maxBytes} are taken`)
    const fragment = { id, renderedHTML: html, exports, ...(assets && { assets }) }
    return 'session' in result
      ? { fragments: [fragment], session: result.session }
      : { fragments: [fragment] }
  }

  return {
    async render(asked, signal, onItem) {
      admit()
      open++
      const all = asked.fragments.map(async (one) => {
        const item = await renderOne(one, asked, signal)
        if (!signal.aborted) onItem(item)
      })
      try {
        await Promise.all(all)
      } finally {
        open--
        if (open === 0) for (const idler of idlers.splice(0)) idler()
      }
    },
    async idle() {
      if (open > 0) await new Promise<void>((resolve) => idlers.push(resolve))
    },
  }
}
