/**
 * Pages as the scanner meets them, made of the same pieces each time.
 *
 * @module
 */

const HEAD = `<!DOCTYPE html>
<html lang="en" class="no-js">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Lamps &amp; lights | The shop</title>
<!-- built 2026-08-01 -->
<link rel="preload" href="/shop/static/app.3f2a91c0.css" as="style">
<link rel="stylesheet" href="/shop/static/app.3f2a91c0.css">
<style>
:root { --accent: #0a7; --gap: 12px }
.card { display: grid; grid-template-columns: 1fr 2fr; gap: var(--gap); border: 1px solid #ddd }
.card > .price { font-weight: 600; color: var(--accent) }
</style>
<script>window.dataLayer=window.dataLayer||[];function gtag(){dataLayer.push(arguments)}gtag('js',new Date())</script>
</head>
<body class="page page--list" data-route="/shop/lamps">
<header class="site-header"><nav aria-label="Main"><ul class="nav">
`

const SCRIPT = `<script>
(function () {
  var list = document.querySelectorAll('.card[data-id]')
  for (var i = 0; i < list.length && i < 200; i++) {
    list[i].addEventListener('click', function (event) { track('card', event.currentTarget.dataset.id, { at: Date.now() }) })
  }
  document.write('<a href="' + location.href + '">here<\\/a>')
})()
</script>
`

const TEXT = `<p>A lamp is more than its light: it stands in a room all day. This one is turned from <em>one piece of ash</em>,
oiled twice, and takes any bulb with an E27 socket. The cable is covered with linen and 2.5 m long, which reaches the
floor from every table we know. Repairs are free for ten years &mdash; send it to us, or <a href="/shop/repairs">bring it by</a>.</p>
`

const FOOT = '</main><footer class="site-footer"><p>© The shop</p></footer></body>\n</html>\n'

function card(n: number): string {
  return `<article class="card card--product js-card" data-id="${1000 + n}" data-price="${n}.90" style="--order: ${n}">
  <a class="card__link" href="/shop/products/${1000 + n}?from=list&amp;position=${n}" aria-label="Lamp number ${n}">
    <img class="card__image" src="/shop/static/images/lamp-${n}-640.webp" srcset="/shop/static/images/lamp-${n}-320.webp 320w, /shop/static/images/lamp-${n}-640.webp 640w" width="320" height="240" alt="Lamp number ${n}" loading="lazy">
  </a>
  <h2 class="card__title">Lamp number ${n}</h2>
  <svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="M12 2l3 7h7l-5.5 4.5 2 7.5-6.500-4.500L5.500 21l2-7.500L2 9h7z"/></svg>
  <button type="button" class="button button--primary" onclick='add(${n}, "lamp > light")'>Add to basket</button>
</article>
`
}

function fill(bytes: number, piece: (n: number) => string): Buffer {
  let page = `${HEAD}${'<li class="nav__item"><a class="nav__link" href="/shop/lamps">Lamps</a></li>\n'.repeat(12)}</ul></nav></header><main>\n`
  for (let n = 0; page.length + FOOT.length < bytes; n += 1) page += piece(n)
  return Buffer.from(page + FOOT)
}

/** A list of products: attributes, drawings, some scripts and paragraphs. */
export function shopPage(bytes: number): Buffer {
  return fill(bytes, (n) => card(n) + (n % 3 === 0 ? TEXT : '') + (n % 10 === 0 ? SCRIPT : ''))
}

/** An article: mostly text. */
export function textPage(bytes: number): Buffer {
  return fill(bytes, () => TEXT)
}

/** The most tags for the bytes: a table of short cells. */
export function tablePage(bytes: number): Buffer {
  return fill(bytes, (n) => `<tr><td>${n}<td><b>x</b><td class=a><br></tr>`)
}

/** The list of products with a fragment in each. */
export function fragmentPage(bytes: number): Buffer {
  return fill(
    bytes,
    (n) => `${card(n)}<m:fragment service="stock" ref="level" imports="id as product">unknown</m:fragment>\n`,
  )
}
