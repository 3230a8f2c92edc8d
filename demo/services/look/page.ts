/**
 * The frame every page of the shop stands in: its head, the menus of all services, and who rendered it.
 *
 * `/_hydra/live.js` keeps the menus true while the page is open, and every link with the attributes of one.
 *
 * The style sheets are static files of the service `home`; the others only link to them.
 *
 * @module
 */
import type { HydraService } from '@hydra-gateway/sdk'
import { type Html, html, textOf, trusted } from './html.ts'
import type { Menus } from './menus.ts'
import { MARK, SYMBOLS } from './shapes.ts'

/** What a service says of itself at the foot of its pages. */
export interface Maker {
  readonly service: Pick<HydraService, 'name' | 'instanceId'>
  readonly version: string
  readonly framework: string
}

export interface PageFacts {
  readonly title: string
  readonly main: Html
  readonly menus: Menus
  readonly maker: Maker
  /** Class of `<main>`. */
  readonly kind?: string
  readonly scripts?: readonly string[]
  /** What the fragments of the page may import, by name. */
  readonly attributes?: Readonly<Record<string, string>>
}

/** Colours and elements of the house, its menus, and what the shop says otherwise. */
const STYLES = ['/home/tokens.css', '/home/base.css', '/_hydra/menu.css', '/home/shop.css']

/** A whole page as text. */
export function page({
  title,
  main,
  menus,
  maker,
  kind = 'plain',
  scripts = [],
  attributes,
}: PageFacts): string {
  const { service, version, framework } = maker
  return textOf(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Lerna Outfitters</title>
<link rel="icon" href="/home/mark-16.svg" type="image/svg+xml">
${STYLES.map((path) => html`<link rel="stylesheet" href="${path}">\n`)}<script src="/_hydra/live.js" async></script>
${scripts.map((file) => html`<script src="/home/${file}" defer></script>\n`)}${attributes && attributesScript(attributes)}</head>
<body>
<a class="skip" href="#main">Skip to the page</a>
<header class="top">
<a class="brand" href="/">${MARK}Lerna Outfitters</a>
<nav aria-label="Shop">${menus.main}</nav>
<nav aria-label="You">${menus.account}</nav>
</header>
<main class="shop ${kind}" id="main">
${main}
</main>
<footer class="foot"><span>Many services, one front door.</span><span>This page: <code>${service.name} ${version}</code>, instance <code>${shortId(service)}</code>, ${framework}</span></footer>
${SYMBOLS}
</body>
</html>
`)
}

/** Stands before the first fragment; whoever puts the page together takes it out. */
function attributesScript(attributes: Readonly<Record<string, string>>): Html {
  const json = JSON.stringify(attributes).replaceAll('<', '\\u003c')
  return trusted(`<script type="application/json" m:attributes>${json}</script>\n`)
}

/** `cat-3f2a`: enough to tell instances apart. */
export function shortId({ name, instanceId }: Pick<HydraService, 'name' | 'instanceId'>): string {
  return `${name.slice(0, 3)}-${instanceId.slice(0, 4)}`
}

/** The page of a known service for an address of it that leads nowhere. */
export function notFoundPage(maker: Maker, menus: Menus, what: string, back: Html): string {
  const main = html`<div class="words"><h1>${what}</h1><p class="lead">The address may be mistyped, or older than this shop.</p><p class="actions">${back}</p></div>`
  return page({ title: what, main, menus, maker, kind: 'narrow' })
}

/** `€ 38.00` from cents. */
export function price(cents: number): string {
  return `€ ${(cents / 100).toFixed(2)}`
}
