/**
 * Live fragments: where one showed its fallback and is back, the page takes over what stands in its place now. When, and
 * how often it tries; how is in `replace.ts`, a script of its own that only pages load which need it.
 *
 * @module
 */
import { LIVE_FRAGMENTS_PATH } from '@hydra-gateway/protocol'
import { placesIn } from './places.ts'
import type { Replacing } from './replace.ts'
import { policy } from './trusted.ts'

const MOST_TRIES = 5

/** Marks of the fallbacks the page shows. */
export function waitingFragments(): string[] {
  return placesIn(document).flatMap(({ mark, isFallback }) => (isFallback ? mark : []))
}

/** `nonce` is that of the page's own scripts; `tell` hears what becomes of a fragment. Given is which are back. */
export function createFragments(
  nonce: string | undefined,
  tell: (mark: string, outcome: 'shown' | 'failed') => void,
): (isBack: (mark: string) => unknown, spreadMs: number) => void {
  // What the page was rendered for, wherever its scripts say it is now.
  const address = location.href
  let due = new Set<string>()
  let tries = 0
  let timer: number | undefined

  const attempt = async () => {
    const own = timer
    try {
      const replacing: Replacing = {
        address,
        nonce,
        policy,
        placesIn,
        isDue: (mark) => due.has(mark),
        onShown(mark) {
          due.delete(mark)
          tell(mark, 'shown')
        },
      }
      const { replaceFragments } = await import(policy.createScriptURL(LIVE_FRAGMENTS_PATH))
      await replaceFragments(replacing)
    } catch {
      // The gateway or the page is away; so it is tried again.
    }
    // Another one may have come back meanwhile: all that is left is tried with it.
    if (!due.size || timer !== own) return
    if (++tries < MOST_TRIES) timer = setTimeout(attempt, 1000 * 2 ** tries * (1 + Math.random()))
    else for (const mark of due) tell(mark, 'failed')
  }

  return (isBack, spreadMs) => {
    const back = waitingFragments().filter(isBack)
    const isNew = back.some((mark) => !due.has(mark))
    due = new Set(back)
    if (!isNew) return
    tries = 0
    clearTimeout(timer)
    timer = setTimeout(attempt, Math.random() * spreadMs)
  }
}
