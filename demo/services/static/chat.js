// The chat of the shop: what is said comes over a socket that finds its way back by itself, whatever happens to the node it hangs on.
import { openSocket } from '/_hydra/socket.js'

const chat = document.querySelector('[data-chat]')
const [list, state, form] = ['lines', 'state', 'say'].map((name) => chat.querySelector(`[data-${name}]`))
const MOST_SHOWN = 30
const WORDS = {
  connecting: 'Coming in …',
  open: 'You hear everybody.',
  away: 'The line broke. It comes back by itself, and nothing is missed.',
  ended: 'This is over. Load the page again to come back.',
}

// A page that is loaded again is the same visitor, and goes on where it was.
const socket = openSocket('/_hydra/socket', { storage: sessionStorage })
let last = -1
// What comes while it is asked for what was missed; undefined otherwise.
let waiting

/** Each number once, in order: a line may come twice when nobody knew whether it had arrived. */
function show({ n, who, text }) {
  if (n <= last) return
  last = n
  const item = document.createElement('li')
  const name = Object.assign(document.createElement('strong'), { textContent: who })
  item.append(name, Object.assign(document.createElement('span'), { textContent: text }))
  item.dataset.n = n
  // The newest on top: whoever writes sees what is said.
  list.prepend(item)
  while (list.children.length > MOST_SHOWN) list.lastChild.remove()
}

/** Calls until it is answered; what is asked here may be asked twice. */
async function ask(type, body) {
  for (;;) {
    try {
      return await socket.call('chat:/', body, { type, timeoutMs: 3000 })
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 300 + Math.random() * 300))
    }
    if (socket.state === 'ended' || socket.state === 'closed') return undefined
  }
}

/** Joins the room, and fetches what was said meanwhile. */
async function join() {
  if (waiting) return
  waiting = []
  const { lines = [] } = (await ask('join', {})) ?? {}
  const missed = last < 0 ? lines : ((await ask('after', { n: last })) ?? { lines: [] }).lines
  for (const line of [...missed, ...waiting]) show(line)
  waiting = undefined
  form.hidden = false
}

socket.onMessage('line', ({ body }) => {
  if (waiting) waiting.push(body)
  else show(body)
})
const tell = (now) => {
  state.textContent = WORDS[now] ?? ''
}
socket.on('state', tell)
tell(socket.state)
// Nothing is missing after most breaks. Where something is, the room knows it.
socket.on('recovered', (isWhole) => {
  if (isWhole !== true) join()
})
socket.on('lost', () => join())

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const text = form.text.value.trim()
  if (text === '') return
  form.text.value = ''
  // Under one id, so that a line that is said again is the same line.
  await ask('say', { id: crypto.randomUUID(), text })
})
join()
