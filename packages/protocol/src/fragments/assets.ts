/**
 * Assets of fragments as markup: which addresses they have, which elements they become, where these stand. The same
 * for a page composed in a service and one composed in the gateway, so that both have one DOM.
 *
 * Where: everything of fragments that are there when `</head>` leaves goes just before it, in the order of the
 * document. What comes later goes right before the HTML of its fragment, inside its X-ray markers. A page without a
 * head has all of it in place. Each address stands once in a page. Hints go into a `Link` header (`preloadLinks`),
 * never into the page. Other markup both sides write: `page-markup.ts`.
 *
 * @module
 */
import type { FragmentAssets } from '../fragment.ts'
import { escapeAttribute } from './page-markup.ts'

/** The service that rendered a fragment. */
export interface AssetOwner {
  readonly service: string
  /** As it registered; 0 where it gave none. */
  readonly version: string | number | undefined
}

const CONTROL = /[\x00-\x20\x7f\\]/
const URL_OR_PATH = /^(?:https?:)?\//i

/**
 * The address of an asset: a path or an http(s) URL as it is; a name below the static prefix of its service as
 * `/{service}/{name}?v={version}`. Undefined for what is neither.
 */
export function assetUrl(asset: string, { service, version }: AssetOwner): string | undefined {
  if (asset === '') return undefined
  if (URL_OR_PATH.test(asset)) return CONTROL.test(asset) ? undefined : asset
  const segments = asset.split('/')
  if (segments.some((segment) => segment === '' || /^(?:\.|%2e){1,2}$/i.test(segment))) return undefined
  const path = [service, ...segments].map(encoded).join('/')
  return `/${path}${version === undefined ? '' : `?v=${encoded(String(version))}`}`
}

/** Assets by their addresses, for a page of another service. */
export function absoluteAssets(assets: FragmentAssets, owner: AssetOwner): FragmentAssets {
  const addresses = (names: readonly string[] = []) =>
    names.flatMap((name) => {
      const url = assetUrl(name, owner)
      return url === undefined ? [] : [url]
    })
  return { styles: addresses(assets.styles), scripts: addresses(assets.scripts) }
}

/** The elements of the assets of one fragment, styles first. `seen`: addresses the page has; those given are added. */
export function assetTags(
  assets: FragmentAssets | null | undefined,
  owner: AssetOwner,
  seen: Set<string> = new Set(),
): string {
  if (!assets) return ''
  const { styles = [], scripts = [] } = absoluteAssets(assets, owner)
  const isNew = (url: string) => !seen.has(url) && seen.add(url)
  const links = styles.filter(isNew).map((url) => `<link rel="stylesheet" href="${escapeAttribute(url)}">`)
  const elements = scripts.filter(isNew).map((url) => {
    const kind = /\.mjs(?:[?#]|$)/.test(url) ? ' type="module"' : ' defer'
    return `<script src="${escapeAttribute(url)}"${kind}></script>`
  })
  return links.join('') + elements.join('')
}

/** Values of a `Link` header, by which a browser begins to load what fragments will ask for. */
export function preloadLinks(assets: FragmentAssets | null | undefined, owner: AssetOwner): string[] {
  if (!assets) return []
  const { styles = [], scripts = [] } = absoluteAssets(assets, owner)
  const link = (url: string, what: string) =>
    `<${url.replace(/[<>"]|[^\x20-\x7e]/g, encodeURIComponent)}>; ${what}`
  return [
    ...styles.map((url) => link(url, 'rel=preload; as=style')),
    ...scripts.map((url) =>
      link(url, /\.mjs(?:[?#]|$)/.test(url) ? 'rel=modulepreload' : 'rel=preload; as=script'),
    ),
  ]
}

/** The assets of one page on their way: says what is written where. */
export interface PageAssets {
  /** A fragment is there. Told in time it stands in the head, otherwise nothing happens yet. */
  ready(assets: FragmentAssets | null | undefined, owner: AssetOwner): void
  /** `</head>` leaves: what has to stand just before it. */
  closeHead(): string
  /** A fragment's HTML leaves: what has to stand right before it; nothing while the head is still to come. */
  before(assets: FragmentAssets | null | undefined, owner: AssetOwner): string
}

/** Makes the assets of one page; `hasHead` is false where no `</head>` will come. */
export function createPageAssets({ hasHead }: { readonly hasHead: boolean }): PageAssets {
  const seen = new Set<string>()
  let isOpen = hasHead
  let head = ''
  return {
    ready(assets, owner) {
      if (isOpen) head += assetTags(assets, owner, seen)
    },
    closeHead() {
      isOpen = false
      return head
    },
    before(assets, owner) {
      const tags = assetTags(assets, owner, seen)
      if (!isOpen) return tags
      head += tags
      return ''
    },
  }
}

/** Lone halves of surrogate pairs have no encoding; they become the replacement character. */
function encoded(text: string): string {
  return encodeURIComponent(
    text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd'),
  )
}
