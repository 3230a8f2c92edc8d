/**
 * What a screen reader says while the page is open: that something is away for a moment, and that it is back. Once each,
 * and not of what comes and goes within a moment.
 *
 * @module
 */
import type { LinkView } from '@hydra-gateway/protocol'

/** Ends flapping: only what is so after this long is said. */
const SETTLE_MS = 1000

/** How things are now, by path. */
export type Places = ReadonlyMap<string, LinkView & { readonly label: string }>

export function createStatus(): (now: Places) => void {
  let said: Places = new Map()
  let now = said
  let timer: number | undefined
  let element: HTMLElement | undefined

  const say = () => {
    timer = undefined
    const words = new Set<string>()
    for (const [path, { state, reason, label }] of now) {
      const before = said.get(path)
      const isAway = state === 'down'
      if (!before || isAway === (before.state === 'down')) continue
      // A reason names the service, which may have several links.
      const name = before.reason?.match(/^(.+) is away/)?.[1] ?? label
      words.add(isAway ? (reason ?? `${label} is away for a moment`) : `${name} is back`)
    }
    said = now
    if (words.size) element!.textContent = [...words].join('. ')
  }
  return (all) => {
    now = all
    if (timer !== undefined) return
    if (element) timer = setTimeout(say, SETTLE_MS)
    else {
      element = document.createElement('div')
      element.role = 'status'
      // By the object model: a strict policy forbids style attributes and style sheets of ours.
      element.style.cssText = 'position:fixed;clip-path:inset(50%)'
      document.body.append(element)
      say()
    }
  }
}
