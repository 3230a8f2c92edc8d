/**
 * Asks for everything the shop offers, once.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { type Answer, AS_BROWSER, type AskOptions, ask } from '../shop/ask.ts'
import { ADA, MIRA, signIn } from '../shop/people.ts'

export const AS_MACHINE: Readonly<Record<string, string>> = { accept: 'application/json' }

const PAGES: readonly (readonly [path: string, contains: string])[] = [
  ['/', 'For wet ground and dry days'],
  ['/catalog', '<h1>Catalog</h1>'],
  ['/catalog/marsh-lamp', '<h1>Marsh lamp</h1>'],
  ['/orders', '<h1>Orders</h1>'],
]
const STATICS = ['tokens.css', 'base.css', 'shop.css', 'live.js', 'mark.svg', 'mark-16.svg']
const UPLOAD_BYTES = 3 * 1024 * 1024

export interface Routes {
  /** Requests answered. */
  readonly answered: number
  readonly figures: readonly string[]
}

/** Throws with what was not as it has to be. */
export async function askEveryRoute(url: string): Promise<Routes> {
  let answered = 0
  async function get(path: string, status: number, options: AskOptions = {}): Promise<Answer> {
    const answer = await ask(url + path, options)
    assert.equal(answer.status, status, `${options.method ?? 'GET'} ${path}`)
    answered++
    return answer
  }

  for (const [path, contains] of PAGES) {
    const { body } = await get(path, 200, { headers: AS_BROWSER })
    assert.ok(body.includes(contains), `${path} does not say ${contains}`)
    for (const label of ['Home', 'Catalog', 'Orders', 'Account'])
      assert.ok(
        new RegExp(`<a [^>]*href="/[a-z]*"[^>]*>${label}</a>`).test(body),
        `the menu of ${path} has no ${label}`,
      )
  }
  for (const file of STATICS) {
    const { headers } = await get(`/home/${file}`, 200)
    assert.match(String(headers['content-type']), /text\/(css|javascript)|image\/svg/, file)
  }

  const order = await get('/orders', 201, {
    method: 'POST',
    headers: { ...AS_MACHINE, 'content-type': 'application/json' },
    body: '{"good":"marsh-lamp"}',
  })
  await get(`/orders/${JSON.parse(order.body).id}`, 200, { headers: AS_BROWSER })
  await get('/orders/new?good=marsh-lamp', 200, { headers: AS_BROWSER })
  await get('/catalog/marsh-lamp/list', 303, { method: 'POST' })
  // The service's own 404, and the gateway's, for people and for machines.
  const unknownGood = await get('/catalog/nothing', 404, { headers: AS_BROWSER })
  assert.ok(unknownGood.body.includes('We do not sell this'), 'the 404 of the catalog is its own')
  const nowhere = await get('/nowhere', 404, { headers: AS_BROWSER })
  assert.match(String(nowhere.headers['content-type']), /^text\/html/)
  const problem = await get('/nowhere', 404, { headers: AS_MACHINE })
  assert.equal(JSON.parse(problem.body).code, 'HYDRA_NO_ROUTE')
  await get('/health', 200)

  await askForPeople(url, get)
  const live = await readLive(url, 2)
  assert.ok(live[1]! > live[0]!, `the barrel does not fill: ${live.join(', ')}`)
  answered++
  return {
    answered,
    figures: [
      `${PAGES.length} pages, ${STATICS.length} static files, an order, 3 kinds of 404, health,`,
      `one sign-in for two services, what is for nobody, for mira and for ada,`,
      `2 uploads of 3 MB, a WebSocket: ${answered} answers as expected`,
    ],
  }
}

type Get = (path: string, status: number, options?: AskOptions) => Promise<Answer>

/** What is for some: nobody is led to the sign-in or told 401, one sign-in opens both services, a role opens the desk. */
async function askForPeople(url: string, get: Get): Promise<void> {
  const led = await get('/account?from=check', 303, { headers: AS_BROWSER })
  assert.equal(led.headers.location, '/login?ref=%2Faccount%3Ffrom%3Dcheck')
  const told = await get('/account', 401, { headers: AS_MACHINE })
  assert.equal(JSON.parse(told.body).code, 'HYDRA_LOGIN_REQUIRED')
  const [mira, ada] = [await signIn(url, MIRA), await signIn(url, ADA)]
  const account = await get('/account', 200, { headers: { ...AS_BROWSER, cookie: mira } })
  assert.ok(account.body.includes('signed in as <strong>mira</strong>'), 'the account knows mira')
  await get('/orders/desk', 403, { headers: { ...AS_BROWSER, cookie: mira } })
  const desk = await get('/orders/desk', 200, { headers: { ...AS_BROWSER, cookie: ada } })
  assert.ok(desk.body.includes('<h1>Order desk</h1>'), 'the desk is open to ada')
  await uploadBothWays(url, get, mira)
}

/** A file as a raw body and as a form; the account must have seen the same bytes. */
async function uploadBothWays(url: string, get: Get, cookie: string): Promise<void> {
  const file = randomBytes(UPLOAD_BYTES)
  const sha256 = createHash('sha256').update(file).digest('hex')
  const raw = await get('/account/files/pond.bin', 201, { method: 'PUT', headers: { cookie }, body: file })
  assert.deepEqual(
    { sha256: JSON.parse(raw.body).sha256, sizeBytes: JSON.parse(raw.body).sizeBytes },
    { sha256, sizeBytes: UPLOAD_BYTES },
  )
  const form = new FormData()
  form.set('note', 'from the pond')
  form.set('file', new Blob([file], { type: 'image/png' }), 'pond <1>.png')
  const shown = await fetch(`${url}/account/files`, {
    method: 'POST',
    headers: { cookie },
    body: form,
    redirect: 'manual',
  })
  assert.equal(shown.status, 303, 'POST /account/files')
  const { body } = await get('/account', 200, { headers: { ...AS_BROWSER, cookie } })
  assert.ok(body.includes(sha256), 'the account shows the fingerprint of the file')
  assert.ok(body.includes('pond &lt;1&gt;.png'), 'the account shows the name of the file, escaped')
}

/** The first `count` different levels of the barrel that arrive over `/live`. */
export function readLive(url: string, count: number): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const levels: number[] = []
    const socket = new WebSocket(`${url.replace('http', 'ws')}/live`)
    const patience = setTimeout(() => end(new Error(`/live told ${levels.length} levels in 5 s`)), 5000)
    function end(fault?: Error): void {
      clearTimeout(patience)
      socket.close()
      if (fault) reject(fault)
      else resolve(levels)
    }
    socket.onerror = () => end(new Error('/live can not be opened'))
    socket.onmessage = ({ data }) => {
      const { barrelLitres } = JSON.parse(String(data))
      if (levels.at(-1) !== barrelLitres) levels.push(barrelLitres)
      if (levels.length === count) end()
    }
  })
}
