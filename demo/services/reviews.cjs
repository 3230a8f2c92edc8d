'use strict'
/**
 * What visitors say of the goods: an unmodified `hydra-express` service, as it would be behind hydra-router. It knows
 * nothing of this gateway; it announces itself in Redis, and that is all.
 *
 *   /v1/reviews/:good   its API
 *   /reviews            its pages, under its name
 *   reviews:/           messages: `rating` is answered, and of every review the chat is told
 *
 * Reviews are kept in a file that its instances share.
 */
const { appendFileSync, readFileSync } = require('node:fs')
const { join } = require('node:path')
const hydraExpress = require('hydra-express')

const { SHOP_DATA = '.', SHOP_REDIS = 'redis://127.0.0.1:6379/0' } = process.env
/** One line for each review. */
const FILE = join(SHOP_DATA, 'reviews.jsonl')
const MOST_WORDS = 280
const hydra = hydraExpress.getHydra()
const express = hydraExpress.getExpress()

/** A line that was cut by a crash is passed over. */
function readReviews(good) {
  let text = ''
  try {
    text = readFileSync(FILE, 'utf8')
  } catch {
    // Nobody has written one yet.
  }
  const all = text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line)]
    } catch {
      return []
    }
  })
  return good === undefined ? all : all.filter((review) => review.good === good)
}

function ratingOf(good) {
  const stars = readReviews(good).map((review) => review.stars)
  const mean = stars.reduce((sum, each) => sum + each, 0) / (stars.length || 1)
  return { good, reviews: stars.length, stars: Math.round(mean * 10) / 10 }
}

const api = express.Router()
api.get('/:good', (request, response) => {
  const { good } = request.params
  hydraExpress.sendResponse(200, response, { result: { ...ratingOf(good), all: readReviews(good) } })
})
api.post('/:good', (request, response) => {
  const { stars, words = '' } = request.body
  const review = {
    good: request.params.good,
    stars: Number(stars),
    words: String(words).slice(0, MOST_WORDS),
  }
  if (!/^[a-z-]{1,40}$/.test(review.good) || !(review.stars >= 1 && review.stars <= 5))
    return hydraExpress.sendResponse(400, response, { result: { reason: 'a good, and stars from 1 to 5' } })
  appendFileSync(FILE, `${JSON.stringify(review)}\n`)
  tellChat(review)
  // A form of its own page.
  if (request.accepts(['json', 'html']) === 'html') return response.redirect(303, `/reviews/${review.good}`)
  return hydraExpress.sendResponse(201, response, { result: ratingOf(review.good) })
})

/** To a service of another kind, which the library can't see: by the router, as clients of it would. */
function tellChat(review) {
  const message = { to: 'chat:/', frm: 'reviews:/', typ: 'reviewed', bdy: review }
  const request = { to: 'hydra-router:[post]/v1/router/send', from: 'reviews:/', body: message }
  hydra.makeAPIRequest(hydra.createUMFMessage(request).toJSON()).catch(() => {})
}

/** Its pages are plain: the menus of the shop are not for services of hydra-router. */
const pages = express.Router()
pages.get('/', (_request, response) => {
  const goods = [...new Set(readReviews().map(({ good }) => good))].sort()
  response
    .type('html')
    .send(
      frame(
        'Reviews',
        goods.length === 0
          ? '<p class="lead">Nobody has written one yet.</p>'
          : `<ul class="rows">${goods.map((good) => `<li><a href="/reviews/${good}">${good}</a>${starsOf(ratingOf(good))}</li>`).join('')}</ul>`,
      ),
    )
})
pages.get('/:good', (request, response) => {
  const { good } = request.params
  if (!/^[a-z-]{1,40}$/.test(good))
    return response.status(404).type('html').send(frame('There is no such good', ''))
  const all = readReviews(good)
    .slice(-20)
    .reverse()
    .map(
      ({ stars, words }) =>
        `<li><span class="num">${'★'.repeat(stars)}</span><span>${escaped(words)}</span></li>`,
    )
  const form = `<form class="card form" method="post" action="/v1/reviews/${good}">
<div class="field"><label for="stars">Stars</label><input id="stars" name="stars" type="number" min="1" max="5" value="5" required></div>
<div class="field"><label for="words">In a few words</label><input id="words" name="words" maxlength="${MOST_WORDS}" autocomplete="off"></div>
<button class="button" type="submit">Send the review</button></form>`
  response
    .type('html')
    .send(frame(good, `<p>${starsOf(ratingOf(good))}</p><ul class="rows">${all.join('')}</ul>${form}`))
})

const starsOf = ({ stars, reviews }) =>
  `<span class="num">${stars.toFixed(1)} of 5</span> <span class="soft num">${reviews} ${reviews === 1 ? 'review' : 'reviews'}</span>`

const ESCAPES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const escaped = (text) => text.replace(/[&<>"']/g, (sign) => ESCAPES[sign])

const frame = (title, main) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Lerna Outfitters</title>
${['/home/tokens.css', '/home/base.css', '/home/shop.css'].map((path) => `<link rel="stylesheet" href="${path}">`).join('\n')}
</head>
<body>
<header class="top"><a class="brand" href="/">Lerna Outfitters</a><nav aria-label="Shop"><a href="/catalog">Catalog</a> <a href="/reviews">Reviews</a> <a href="/chat">Chat</a></nav></header>
<main class="shop narrow" id="main"><div class="words"><h1>${title}</h1></div>${main}</main>
<footer class="foot"><span>This page: <code>reviews</code>, instance <code>rev-${hydra.getInstanceID().slice(0, 4)}</code>, hydra-express</span></footer>
</body>
</html>
`

const config = {
  publicFolder: join(SHOP_DATA, 'no-files'),
  hydra: {
    serviceName: 'reviews',
    serviceDescription: 'What visitors say of the goods',
    serviceIP: process.env.SHOP_ADDRESS ?? '127.0.0.1',
    servicePort: 0,
    serviceType: 'reviews',
    plugins: {},
    redis: { url: SHOP_REDIS },
  },
}

hydraExpress
  .init(config, '1.2.0', () => hydraExpress.registerRoutes({ '/v1/reviews': api, '/reviews': pages }))
  .then(() => {
    hydra.on('message', (message) => {
      const { typ, bdy = {} } = message
      if (typ !== 'rating') return
      hydra.sendReplyMessage(message, hydra.createUMFMessage({ bdy: ratingOf(String(bdy.good)) }))
    })
    // Without Redis the library wants to end, and waits for Redis to say goodbye.
    process.on('cleanup', () => setTimeout(() => process.exit(1), 1500))
    process.send?.(hydra.getInstanceID())
  })
  .catch((fault) => {
    console.error(`reviews: ${fault.message ?? fault}`)
    process.exit(1)
  })
