/**
 * Assets of fragments: their addresses, checked, the elements they become, and where these stand. Shared by the gateway
 * and the SDK, so that a page composed in either has one DOM: compose with this, don't write it again.
 *
 * Where: everything that is known of fragments when `</head>` leaves goes just before it, in the order of the
 * document. All else goes right before the HTML of its fragment, inside its X-ray markers; a page without a head has
 * all of it there. Each address stands once in a page. Hints go into a `Link` header, never into the page. Other
 * markup both sides write: `page-markup.ts`.
 *
 * @module
 */
import type { FragmentAssets } from '../fragment.ts'

export interface Asset {
  readonly kind: 'style' | 'script'
  /** ASCII without blanks, quotes or angle brackets. */
  readonly url: string
}

/** The service that rendered a fragment; an instance of the gateway is one. */
export interface AssetOwner {
  readonly service: string
  /** As it registered; 0 where it gave none. */
  readonly version: string | number
}

const NO_ASSETS: readonly Asset[] = Object.freeze([])

/** The assets of a fragment, styles first. Names belong to the service that rendered it, in the version it has. */
export function assetsOf(
  assets: FragmentAssets | null | undefined,
  owner: AssetOwner,
  onRefused: (name: string) => void = () => {},
): readonly Asset[] {
  if (!assets?.styles?.length && !assets?.scripts?.length) return NO_ASSETS
  const found: Asset[] = []
  const add = (kind: Asset['kind'], names: readonly string[] = []) => {
    for (const name of names) {
      const url = assetUrl(name, owner)
      if (url === undefined) onRefused(name)
      else found.push({ kind, url })
    }
  }
  add('style', assets?.styles)
  add('script', assets?.scripts)
  return found
}

/** Its host is a path's, which stays on this site. */
const HERE = 'http://here.invalid'
const SCHEME = /^[a-z][a-z0-9+.-]*:/i
const SEGMENT = /^(?!\.{1,2}$)[^\0-\x1f\x7f\\]+$/

/** The address of an asset; undefined for one that leads anywhere but to this site or to a web server. */
export function assetUrl(name: string, { service, version }: AssetOwner): string | undefined {
  if (SCHEME.test(name)) {
    const url = URL.canParse(name) ? new URL(name) : undefined
    const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:'
    return isWeb && url.username === '' && url.password === '' ? sendable(url.href) : undefined
  }
  if (name.startsWith('/')) {
    const url = URL.canParse(name, HERE) ? new URL(name, HERE) : undefined
    // `//elsewhere` and `/\elsewhere` are addresses of other sites.
    return url?.origin === HERE ? sendable(url.pathname + url.search + url.hash) : undefined
  }
  const segments = name.split('/')
  if (!segments.every((segment) => SEGMENT.test(segment))) return undefined
  const path = segments.map(encodeName).join('/')
  return `/${encodeName(service)}/${path}?v=${encodeName(String(version))}`
}

/** `URL` leaves quotes in some places. */
function sendable(url: string): string {
  return url.replace(/["'<>`\\]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** Everything outside `A-Za-z0-9-._~`, as the gateway reads names in paths. */
function encodeName(name: string): string {
  return encodeURIComponent(name.toWellFormed()).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** The element that asks for it. Scripts run when the page is there, in the order of the page. */
export function assetHtml({ kind, url }: Asset): string {
  const address = url.replaceAll('&', '&amp;').replaceAll('"', '&quot;')
  if (kind === 'style') return `<link rel="stylesheet" href="${address}">`
  return isModule(url)
    ? `<script type="module" src="${address}"></script>`
    : `<script defer src="${address}"></script>`
}

/** What a `Link` header says of it. */
export function assetHint({ kind, url }: Asset): string {
  if (kind === 'style') return `<${url}>; rel=preload; as=style`
  return isModule(url) ? `<${url}>; rel=modulepreload` : `<${url}>; rel=preload; as=script`
}

function isModule(url: string): boolean {
  return /\.mjs(?:$|[?#])/.test(url)
}

/** The assets of one page on their way: says what is written where. */
export interface PageAssets {
  /** What is known before the head leaves: stands in it. Later than that, nothing happens. */
  ready(assets: readonly Asset[]): void
  /** `</head>` leaves: what has to stand just before it. */
  closeHead(): string
  /** A fragment's HTML leaves: what has to stand right before it, as the page doesn't have it yet. */
  before(assets: readonly Asset[]): string
}

/** Makes the assets of one page. */
export function createPageAssets(): PageAssets {
  const seen = new Set<string>()
  const known: Asset[] = []
  const fresh = (assets: readonly Asset[]) => {
    let html = ''
    for (const asset of assets) {
      const key = `${asset.kind} ${asset.url}`
      if (seen.has(key)) continue
      seen.add(key)
      html += assetHtml(asset)
    }
    return html
  }
  return {
    ready: (assets) => void known.push(...assets),
    closeHead: () => fresh(known),
    before: fresh,
  }
}
