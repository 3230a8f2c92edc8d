/**
 * A page that stands in for another: `<script src="/_hydra/live.js" data-wait async>` opens it again when what should be
 * at its address is back. Not for ever: each time waits longer, and after the fifth in five minutes the visitor decides.
 * So do visitors whose browser keeps no notes. The 503 page of the gateway does the same, and keeps the same notes.
 *
 * @module
 */
import type { LinkView } from '@hydra-gateway/protocol'

const MOST_TIMES = 5
const FORGET_MS = 300_000

let timer: number | undefined

export function comeBack({ state }: LinkView, spreadMs: number): void {
  clearTimeout(timer)
  if (state === 'down') return
  try {
    const key = `hydra-back ${location.pathname}`
    const [opened, at] = JSON.parse(sessionStorage.getItem(key) ?? '[0,0]')
    const times = Date.now() - at < FORGET_MS ? opened : 0
    if (times >= MOST_TIMES) return
    const wait = times && Math.min(60_000, 5000 * 2 ** times) - performance.now()
    timer = setTimeout(
      () => {
        sessionStorage.setItem(key, JSON.stringify([times + 1, Date.now()]))
        location.reload()
      },
      Math.max(0, wait) + Math.random() * spreadMs,
    )
  } catch {
    // Without notes it could go round for ever.
  }
}
