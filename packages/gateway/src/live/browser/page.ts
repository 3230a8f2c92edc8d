/**
 * The page: finds what it shows of the site, asks for that, and shows what is news. Whatever comes later, by scripts of
 * the page, is found too.
 *
 * @module
 */
import { LINK_MARK, type LinkView, type MenuViewItem } from '@hydra-gateway/protocol'
import { guardLinks, showLink } from './attributes.ts'
import { createFragments, waitingFragments } from './fragments.ts'
import type { News } from './hub.ts'
import { type Line, openLine } from './lines.ts'
import { ITEM, showMenu } from './menu-element.ts'
import { createStatus } from './status.ts'
import { comeBack } from './wait.ts'
import { wish } from './wish.ts'

/** A page that changes all the time is looked through this often. */
const LOOK_MS = 300

/** Nobody looks at a page for so long: it needs no news, and gets them when somebody does. */
const HIDDEN_MS = 300_000

/** Where the gateway does not say over how long pages spread what they do at once. */
const SPREAD_MS = 3000

/** Kind and name, by wish. */
type Wishes = ReadonlyMap<string, readonly [kind: string, name: string]>

export function startPage(): void {
  const { nonce, dataset } = (document.currentScript ?? document.body) as HTMLElement
  const here = location.pathname + location.search
  const known = new Map<string, unknown>()
  const showStatus = createStatus()
  const showFragments = createFragments(nonce, (mark, state) => say('fragment', { mark, state }))
  let spreadMs = SPREAD_MS
  let line: Line | undefined
  let wished: Wishes = new Map()
  let isOn: boolean | undefined
  let looking: number | undefined
  let leaving: number | undefined

  const hear = (news: News) => {
    // Other pages of the browser asked for other things.
    const changed = [...wished.keys()].filter((wish) => {
      const value = news.known[wish]
      const isNew = value !== undefined && JSON.stringify(value) !== JSON.stringify(known.get(wish))
      if (isNew) known.set(wish, value)
      return isNew
    })
    spreadMs = news.spreadMs ?? spreadMs
    if (isOn !== news.isOn) say(news.isOn ? 'connected' : 'disconnected')
    isOn = news.isOn
    if (!changed.length) return
    show()
    for (const wish of changed) {
      const [kind, name] = wished.get(wish)!
      const value = known.get(wish) as never
      say(
        kind,
        kind === 'menu'
          ? { name, items: value }
          : kind === 'link'
            ? { path: name, ...(value as LinkView) }
            : { mark: name, state: value ? 'back' : 'away' },
      )
    }
  }

  /** Everything there is to show, and what would be asked for it. */
  const show = (): Wishes => {
    const wishes = new Map<string, readonly [string, string]>()
    const now = new Map<string, LinkView & { label: string }>()
    const ask = <T>(kind: string, name: string) => {
      const text = wish(kind, name)
      wishes.set(text, [kind, name])
      return known.get(text) as T | undefined
    }
    for (const menu of document.querySelectorAll<HTMLElement>('hydra-menu[name]')) {
      const items = ask<readonly MenuViewItem[]>('menu', menu.getAttribute('name')!)
      if (items) showMenu(menu, items)
      for (const item of items ?? []) now.set(item.path, item)
    }
    for (const mark of waitingFragments()) ask('fragment', mark)
    for (const element of document.querySelectorAll(`a[${LINK_MARK}]:not(hydra-menu ${ITEM})`)) {
      const path = element.getAttribute(LINK_MARK)!
      const link = ask<LinkView>('link', path)
      if (!link) continue
      showLink(element, link)
      now.set(path, { label: element.textContent, ...link })
    }
    showFragments((mark) => known.get(wish('fragment', mark)), spreadMs)
    if (now.size && !('quiet' in dataset)) showStatus(now)
    const own = 'wait' in dataset && ask<LinkView>('link', here)
    if (own) comeBack(own, spreadMs)
    return wishes
  }

  const look = () => {
    looking = undefined
    const wishes = show()
    // A page nobody has looked at yet, or for long, needs no news.
    if ([...wishes.keys()].every((wish) => wished.has(wish)) || (document.hidden && !line)) return
    wished = wishes
    line ??= openLine(hear)
    line.tell([...wishes.keys()])
  }
  const lookSoon = () => {
    if (looking === undefined) looking = setTimeout(look, LOOK_MS)
  }
  const leave = () => {
    line?.close()
    line = undefined
    wished = new Map()
  }
  const start = () => {
    look()
    guardLinks()
    new MutationObserver(lookSoon).observe(document, {
      childList: true,
      subtree: true,
      attributeFilter: [LINK_MARK],
    })
    addEventListener('pagehide', leave)
    addEventListener('pageshow', lookSoon)
    document.addEventListener('visibilitychange', () => {
      clearTimeout(leaving)
      if (document.hidden) leaving = setTimeout(leave, HIDDEN_MS)
      else look()
    })
  }
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', start)
  else start()
}

function say(event: string, detail?: object): void {
  document.dispatchEvent(new CustomEvent(`hydra:${event}`, { detail }))
}
