// The 503 page's script; the page works without it. `/_hydra/live.js` says how the link to this page is; as long as it
// says nothing, the page asks again and again. It asks with HEAD, so that waiting costs the service nothing, and opens
// the page once. `data-away` is how long the service was away when the page was made, in seconds; `data-spread` the
// time over which pages that wait come back, in milliseconds.
const page = document.body.dataset
const away = () => Number(page.away) + performance.now() / 1000

// Clock times in the visitor's own zone.
const time = document.querySelector('time')
if (time) {
  const options = away() > 43200 ? { dateStyle: 'medium', timeStyle: 'short' } : { timeStyle: 'medium' }
  time.textContent = new Date(time.dateTime).toLocaleString('en-GB', options)
}
const shown = document.querySelector('[data-away-for]')
const two = (number) => String(Math.floor(number)).padStart(2, '0')
const tick = () => {
  const seconds = away()
  if (seconds > 120 && page.phase === 'waiting') page.phase = 'long'
  if (!shown) return
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor(seconds / 60) % 60
  shown.textContent = `${hours ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)}`
}
setInterval(tick, 1000)

// How often this page was opened again by itself in the last minutes. A service that answers HEAD and not GET
// must not make it go round for ever: each time waits longer, and after the fifth the visitor decides. So do
// visitors whose browser keeps no such notes.
const key = `hydra-back ${location.pathname}`
let opened = 0
let opens = true
try {
  const [times, at] = JSON.parse(sessionStorage.getItem(key) ?? '[0,0]')
  if (Date.now() - at < 300_000) opened = times
  opens = opened < 5
} catch {
  opens = false
}
const back = () => {
  page.phase = 'back'
  document.title = document.querySelector('h1[data-show="back"]').textContent
  if (!opens) return
  sessionStorage.setItem(key, JSON.stringify([opened + 1, Date.now()]))
  setTimeout(() => location.reload(), 400)
}

const leastWait = opened ? Math.min(60_000, 5000 * 2 ** opened) : 0
let wait = leastWait || 1000
let timer
let asking = false
// What live.js says: whether it is told of changes, and the last it was told.
let isTold = false
let isDown = false
const lookIn = (ms) => {
  clearTimeout(timer)
  timer = setTimeout(look, ms)
}
const look = async () => {
  if (asking || page.phase === 'back') return
  asking = true
  clearTimeout(timer)
  const answer = await fetch(location.href, {
    method: 'HEAD',
    cache: 'no-store',
    redirect: 'manual',
    signal: AbortSignal.timeout(10_000),
  }).catch(() => undefined)
  asking = false
  if (answer && ![502, 503, 504].includes(answer.status)) return back()
  // Whoever is told asks once in a while all the same: a page nobody looks at is not told.
  lookIn(isTold && isDown ? 45_000 + Math.random() * 30_000 : document.hidden ? Math.max(wait, 5000) : wait)
  wait = Math.min(Math.max(wait, 10_000), wait * 1.2)
}
lookIn(wait)
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && !opened) look()
})

const link = document.querySelector('[data-hydra-link]')?.dataset.hydraLink
document.addEventListener('hydra:connected', () => {
  isTold = true
})
document.addEventListener('hydra:disconnected', () => {
  isTold = false
  lookIn(wait * (1 + Math.random()))
})
document.addEventListener('hydra:link', ({ detail: { path, state } }) => {
  if (path !== link) return
  isDown = state === 'down'
  if (isDown) lookIn(60_000)
  // Not all that wait at once.
  else lookIn(Math.max(0, leastWait - performance.now()) + Math.random() * Number(page.spread))
})
