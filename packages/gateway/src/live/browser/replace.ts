/**
 * `/_hydra/live-fragments.js`: fetches the page again, and puts what stands at the places of its live fragments now where
 * their fallbacks are. Loaded by `live.js` when a fragment is back, which brings what both need.
 *
 * @module
 */
import { FRAGMENT_FETCH_HEADER, FRAGMENT_SHOWN } from '@hydra-gateway/protocol'
import { keeping } from './keeping.ts'
import type { Place } from './places.ts'
import type { Policy } from './trusted.ts'

export interface Replacing {
  /** Of the page. */
  readonly address: string
  /** That of the page's own scripts. */
  readonly nonce: string | undefined
  readonly policy: Policy
  readonly placesIn: (page: Document) => Place[]
  readonly isDue: (mark: string) => boolean
  readonly onShown: (mark: string) => void
}

/** Style sheets that take longer are not waited for. */
const STYLES_MS = 3000

/** Replaces those that can be; throws when there is no page to be had. */
export async function replaceFragments(replacing: Replacing): Promise<void> {
  const { address, nonce, policy, placesIn, isDue, onShown } = replacing
  const answer = await fetch(address, {
    headers: { accept: 'text/html', [FRAGMENT_FETCH_HEADER]: 'fragment' },
    cache: 'no-store',
    signal: AbortSignal.timeout(30_000),
  })
  if (!answer.ok) return
  const page = new DOMParser().parseFromString(policy.createHTML(await answer.text()), 'text/html')
  // What the policy of the new page allows by its nonce, this page allows by its own.
  const allowed = answer.headers.get('content-security-policy') ?? ''
  for (const element of page.querySelectorAll('[nonce]')) {
    if (nonce && allowed.includes(`'nonce-${element.getAttribute('nonce')}'`))
      element.setAttribute('nonce', nonce)
  }
  await Promise.race([
    Promise.all(missing(page, 'link[rel=stylesheet][href]', 'href').map(load)),
    new Promise((done) => setTimeout(done, STYLES_MS)),
  ])

  const fresh = new Map<string, string>()
  for (const place of placesIn(page)) {
    if (place.isFallback || !isDue(place.mark)) continue
    const holder = page.createElement('div')
    holder.append(rangeOf(place).extractContents())
    fresh.set(place.mark, holder.innerHTML)
  }
  for (const place of placesIn(document)) {
    const { mark, isFallback, start } = place
    const markup = fresh.get(mark)
    // What stood in a fallback went with it.
    if (!isFallback || markup === undefined || !start.isConnected) continue
    const range = rangeOf(place)
    start.data = FRAGMENT_SHOWN + mark
    keeping(range, () => {
      const piece = parse(range, markup)
      range.deleteContents()
      range.insertNode(piece)
    })
    onShown(mark)
  }
  // What is inside of the fragments came with them.
  for (const script of missing(page, 'script[src]:is([defer],[type=module])', 'src')) load(script)

  /** Puts an asset into the head. Resolves when it is there, or can't be had. */
  function load({ outerHTML }: Element): Promise<unknown> {
    const range = new Range()
    range.selectNodeContents(document.head)
    const piece = parse(range, outerHTML)
    const asset = piece.firstElementChild!
    return new Promise((done) => {
      asset.addEventListener('load', done)
      asset.addEventListener('error', done)
      document.head.append(piece)
    })
  }

  /** Markup of this site as it would be read at that place. Scripts in it run when they are put into the page. */
  function parse(range: Range, markup: string): DocumentFragment {
    return range.createContextualFragment(policy.createHTML(markup))
  }
}

/** All between the comments. */
function rangeOf({ start, end }: Place): Range {
  const range = new Range()
  range.setStartAfter(start)
  range.setEndBefore(end)
  return range
}

/** What the new page asks for because of its fragments, as `assetHtml` writes it, and this one does not. */
function missing(page: Document, selector: string, name: string): Element[] {
  const known = new Set([...document.querySelectorAll(selector)].map((element) => element.getAttribute(name)))
  return [...page.querySelectorAll(selector)].filter((element) => !known.has(element.getAttribute(name)))
}
