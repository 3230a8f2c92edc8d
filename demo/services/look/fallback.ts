/**
 * What visitors see at `/orders` while nobody answers there: registered with the service, kept by the gateway.
 *
 * It is shown when other things may be broken too, so it brings its few styles along. How it opens by itself is the
 * gateway's own: it puts a script in.
 *
 * @module
 */
import { html, textOf } from './html.ts'
import { MARK, SYMBOLS, shape } from './shapes.ts'

export const FALLBACK = textOf(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="/home/mark-16.svg" type="image/svg+xml">
<noscript><meta http-equiv="refresh" content="5"></noscript>
<title>Orders is away for a moment · Lerna Outfitters</title>
<style>
:root { color-scheme: light dark; --paper: #f1f5f3; --sunken: #e5ecea; --edge: #71837f; --ink: #10282b; --soft: #43595a; --on-ink: #f6faf8; --tide: #0a5c6e }
@media (prefers-color-scheme: dark) { :root { --paper: #0c1719; --sunken: #1b2d30; --edge: #6f8886; --ink: #e4efec; --soft: #a8bcba; --on-ink: #0c1719; --tide: #7ad0db } }
* { box-sizing: border-box }
html { font: 100%/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; color: var(--ink); background: var(--paper) }
body { margin: 0 }
header, main { padding: .75rem max(1.5rem, 50vw - 35rem) }
header { border-bottom: 2px solid var(--ink) }
header a { display: inline-flex; align-items: center; gap: .55rem; min-height: 2.75rem; color: inherit; font-weight: 650; text-decoration: none }
main { display: grid; gap: 1.5rem; padding-block: 2rem 3rem }
main > * { max-width: 44rem }
h1 { margin: 0; font-size: clamp(1.75rem, 1.4rem + 1.4vw, 2.375rem); line-height: 1.08; letter-spacing: -.022em }
p { margin: 0 }
.away { display: grid; grid-template-columns: auto 1fr; gap: .15rem .6rem; padding: .75rem 1rem; background: var(--sunken); border: 1px dashed var(--edge); border-radius: 2px 14px 14px 14px }
.away svg { color: var(--soft); margin-top: .4rem }
.away span { grid-column: 2 }
nav { display: flex; flex-wrap: wrap; gap: .75rem }
nav a { display: inline-flex; align-items: center; min-height: 2.75rem; padding: .5rem 1.15rem; font-weight: 600; text-decoration: none; color: var(--ink); border: 1px solid var(--edge); border-radius: 8px }
nav a:first-child { color: var(--on-ink); background: var(--ink); border-color: var(--ink) }
:focus-visible { outline: 3px solid var(--tide); outline-offset: 2px }
</style>
</head>
<body>
<header><a href="/">${MARK}Lerna Outfitters</a></header>
<main>
<h1>Orders is away for a moment</h1>
<div class="away">${shape('down')}<strong>Your orders are safe</strong><span>They are kept. This page opens by itself when Orders answers.</span></div>
<nav aria-label="Go on"><a href="/orders">Try now</a><a href="/catalog">Go to the catalog</a></nav>
</main>
${SYMBOLS}
</body>
</html>
`)
