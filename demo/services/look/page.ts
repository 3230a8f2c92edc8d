/**
 * The frame every page of the shop stands in: its head, the menu of all services, and who rendered it.
 *
 * The style sheets are static files of the service `home`; the others only link to them.
 *
 * @module
 */
import type { HydraService } from '@hydra-gateway/sdk'
import { type Html, html, textOf, trusted } from './html.ts'
import { MARK, SYMBOLS, shape } from './shapes.ts'

/** What a service says of itself at the foot of its pages. */
export interface Maker {
  readonly service: Pick<HydraService, 'name' | 'instanceId' | 'menu' | 'isAvailable'>
  readonly version: string
  readonly framework: string
}

export interface PageFacts {
  readonly title: string
  readonly main: Html
  /** Path of the page, for `aria-current`. */
  readonly path: string
  readonly maker: Maker
  /** Class of `<main>`. */
  readonly kind?: string
  readonly scripts?: readonly string[]
  /** What stands at the end of the header. */
  readonly aside?: Html
  /** What the fragments of the page may import, by name. */
  readonly attributes?: Readonly<Record<string, string>>
}

/** A whole page as text. */
export function page({
  title,
  main,
  path,
  maker,
  kind = 'plain',
  scripts = [],
  aside,
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
${['tokens.css', 'base.css', 'shop.css'].map((file) => html`<link rel="stylesheet" href="/home/${file}">\n`)}${scripts.map((file) => html`<script src="/home/${file}" defer></script>\n`)}${attributes && attributesScript(attributes)}</head>
<body>
<a class="skip" href="#main">Skip to the page</a>
<header class="top">
<a class="brand" href="/">${MARK}Lerna Outfitters</a>
<nav aria-label="Shop"><ul class="menu">
${service.menu('main').map((item) => html`<li>${menuItem(item, path)}</li>\n`)}</ul></nav>
${aside}</header>
<main class="shop ${kind}" id="main">
${main}
</main>
<footer class="foot"><span>Four services, one front door.</span><span>This page: <code>${service.name} ${version}</code>, instance <code>${shortId(service)}</code>, ${framework}</span></footer>
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

/** An item of a service that is away keeps its place and says so; there is nothing to follow. */
function menuItem(
  { endpoint, label, available }: { endpoint: string; label: string; available: boolean },
  path: string,
): Html {
  if (!available) {
    return html`<a role="link" aria-disabled="true">${shape('down')}${label} <small>back soon</small></a>`
  }
  const current =
    endpoint === path ? 'page' : endpoint !== '/' && path.startsWith(`${endpoint}/`) ? 'true' : undefined
  return html`<a href="${endpoint}"${current && html` aria-current="${current}"`}>${label}</a>`
}

/** `cat-3f2a`: enough to tell instances apart. */
export function shortId({ name, instanceId }: Pick<HydraService, 'name' | 'instanceId'>): string {
  return `${name.slice(0, 3)}-${instanceId.slice(0, 4)}`
}

/** The page of a known service for an address of it that leads nowhere. */
export function notFoundPage(maker: Maker, path: string, what: string, back: Html): string {
  const main = html`<div class="words"><h1>${what}</h1><p class="lead">The address may be mistyped, or older than this shop.</p><p class="actions">${back}</p></div>`
  return page({ title: what, main, path, maker, kind: 'narrow' })
}

/** `€ 38.00` from cents. */
export function price(cents: number): string {
  return `€ ${(cents / 100).toFixed(2)}`
}
