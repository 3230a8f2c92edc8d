// The 503 page's script; the page works without it. Asks with HEAD, so that waiting costs the service nothing,
// and opens the page once. `data-away` is how long the service was away when the page was made, in seconds.
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
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor(seconds / 60) % 60
  shown.textContent = `${hours ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)}`
}
if (shown) setInterval(tick, 1000)

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
  setTimeout(() => location.reload(), 900)
}

let wait = opened ? Math.min(60_000, 5000 * 2 ** opened) : 1000
let timer
let asking = false
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
  if (away() > 120) page.phase = 'long'
  timer = setTimeout(look, document.hidden ? Math.max(wait, 5000) : wait)
  wait = Math.min(Math.max(wait, 10_000), wait * 1.2)
}
timer = setTimeout(look, wait)
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && !opened) look()
})
