import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { PROBLEM_TYPE, problem } from '@hydra-gateway/protocol'
import { CODES } from '../errors.ts'
import { createLocalPages } from './local-pages.ts'
import { problemResponse } from './local-problem.ts'

const pages = createLocalPages({ siteTitle: 'Lerna <Outfitters>' })
const ask = (path: string, method = 'GET') => new Request(`http://shop.example${path}`, { method })

test('every code has its explanation, and the index leads to each', async () => {
  const index = await (pages.errors(ask('/_hydra/errors/')) as Response).text()
  for (const [code, [status, title]] of Object.entries(CODES)) {
    assert.ok(index.includes(`href="/_hydra/errors/${code}"`), code)
    const response = pages.errors(ask(`/_hydra/errors/${code}`))
    const text = (await response?.text()) ?? ''
    assert.equal(response?.status, 200)
    assert.ok(text.includes(`<h1>${title}</h1>`) && text.includes(String(status)), code)
    assert.match(text, /<ul><li>./, `${code} says what can be done`)
  }
})

test('an unknown code, and names out of the object machinery, have no explanation', () => {
  for (const name of [
    'HYDRA_NONE',
    'constructor',
    '__proto__',
    'HYDRA_NO_ROUTE/',
    '../errors',
    '%3Cscript%3E',
  ]) {
    assert.equal(pages.errors(ask(`/_hydra/errors/${name}x`)), undefined, name)
  }
  assert.equal(pages.errors(ask('/_hydra/errors/constructor')), undefined)
  assert.equal(pages.errors(ask('/_hydra/errorsHYDRA_NO_ROUTE')), undefined)
})

test('the welcome page is marked, names the demo and the SDK, and holds only links that exist', async () => {
  const response = pages.welcome(ask('/'), { revision: 3, services: 0 })
  assert.equal(response.headers.get('hydra-welcome'), '1')
  const text = await response.text()
  assert.match(text, /npm run demo/)
  assert.match(text, /@hydra-gateway\/sdk/)
  assert.match(text, /Lerna &lt;Outfitters&gt;/)
  assert.deepEqual(
    [...text.matchAll(/<a [^>]*href="([^"]*)"/g)].map(([, href]) => href),
    ['/', '/_hydra/errors/'],
  )
})

test('HEAD has the headers of GET and no body', async () => {
  for (const path of ['/_hydra/errors', '/_hydra/errors/HYDRA_NO_ROUTE']) {
    const [head, get] = [ask(path, 'HEAD'), ask(path)].map(
      (request) => pages.errors(request) as Response,
    ) as [Response, Response]
    assert.equal(head.body, null)
    assert.deepEqual([...head.headers], [...get.headers])
  }
  const welcome = pages.welcome(ask('/', 'HEAD'), { revision: 0, services: 0 })
  assert.equal(welcome.body, null)
  assert.equal(welcome.headers.get('hydra-welcome'), '1')
})

test('the policy of a page allows exactly what is inlined in it', async () => {
  const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
  const responses = [
    pages.welcome(ask('/'), { revision: 0, services: 2 }),
    pages.errors(ask('/_hydra/errors/')) as Response,
  ]
  for (const response of responses) {
    const policy = response.headers.get('content-security-policy') ?? ''
    const text = await response.text()
    const styles = [...text.matchAll(/<style>([\s\S]*?)<\/style>/g)].map(([, style]) => hash(style as string))
    const scripts = [...text.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, script]) =>
      hash(script as string),
    )
    assert.equal(styles.length, 1)
    assert.ok(policy.includes(`style-src ${styles[0]};`))
    assert.equal(/script-src ([^;]*);/.exec(policy)?.[1] ?? '', scripts.join(' '))
    for (const part of [
      "default-src 'none'",
      'img-src data:',
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ]) {
      assert.ok(policy.includes(part), part)
    }
    assert.doesNotMatch(text, /\sstyle=|\son\w+=|(?:src|href)="https?:/)
  }
})

test('the mark is served under its two names only, and may style nothing but itself', async () => {
  for (const name of ['mark.svg', 'mark-16.svg']) {
    const response = pages.asset(name)
    assert.equal(response?.headers.get('content-type'), 'image/svg+xml; charset=utf-8')
    assert.match(response?.headers.get('content-security-policy') ?? '', /style-src 'sha256-/)
    assert.match((await response?.text()) ?? '', /^<svg /)
  }
  for (const name of ['tokens.css', 'constructor', '../package.json'])
    assert.equal(pages.asset(name), undefined)
})

test('a problem of the gateway itself is a problem document with its own headers', async () => {
  const errors = [{ path: 'port', message: 'port must be 1 to 65535' }]
  const response = problemResponse('HYDRA_UNAUTHORIZED', 'no keys', '01X', {
    errors,
    headers: { 'www-authenticate': 'Basic' },
  })
  assert.equal(response.status, 401)
  assert.equal(response.headers.get('content-type'), PROBLEM_TYPE)
  assert.equal(response.headers.get('www-authenticate'), 'Basic')
  assert.deepEqual(problem.parse(await response.json()), {
    type: '/_hydra/errors/HYDRA_UNAUTHORIZED',
    status: 401,
    title: CODES.HYDRA_UNAUTHORIZED[1],
    detail: 'no keys',
    code: 'HYDRA_UNAUTHORIZED',
    exchange: '01X',
    errors,
  })
  assert.equal(problemResponse('HYDRA_NO_ROUTE', undefined, '01X', { withoutBody: true }).body, null)
})

test('at a path of ours that has nothing, people get a page and programs a problem', async () => {
  const found = createLocalPages({ siteTitle: 'Shop', openPages: () => [{ path: '/desk', label: 'Desk' }] })
  const asked = (accept: string, method = 'GET') =>
    found.notFound(
      new Request('http://shop.example/_hydra/login/nosuch?x=<b>', { method, headers: { accept } }),
      'id-1',
    )
  const page = asked('text/html,*/*;q=0.8')
  assert.equal(page?.status, 404)
  assert.equal(page.headers.get('hydra-problem'), 'HYDRA_NO_ROUTE')
  assert.equal(page.headers.get('cache-control'), 'no-store')
  const text = await page.text()
  assert.match(
    text,
    /There is nothing at this address[\s\S]*<code>\/_hydra\/login\/nosuch<\/code>[\s\S]*href="\/desk"/,
  )
  assert.match(text, /id-1/)
  assert.equal(await asked('text/html', 'HEAD')?.text(), '')
  for (const accept of ['*/*', 'application/json', '']) assert.equal(asked(accept), undefined, accept)
})
