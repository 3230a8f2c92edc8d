/** What the engine does for identity, with a guard written down by hand. */
import assert from 'node:assert/strict'
import { connect as connectHttp2 } from 'node:http2'
import { test } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import type { Caller, Refusal } from '../identity/port.ts'
import { systemClock } from '../observe/clock.ts'
import { createLog } from '../observe/log.ts'
import type { Route } from '../routing/route.ts'
import { createCertificates } from '../tls/certificates.ts'
import type { Exchange } from './exchange.ts'
import { http2Defaults } from './http2-settings.ts'
import type { ProxyIdentity } from './proxy.ts'
import type { ServiceSignIn } from './service-sign-in.ts'
import { TLS_CERT, TLS_KEY } from './testing/certificate.ts'
import { deadPort, httpService, onHead, rawClient, rawServer, until } from './testing/raw.ts'
import { handTable, instanceAt, startRig } from './testing/rig.ts'

const caller = { sid: 's', token: 'a.b.c' } as Caller
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

interface Hand {
  readonly check?: (exchange: Exchange, route: Route) => Refusal | undefined | Promise<Refusal | undefined>
  readonly prepare?: ProxyIdentity['tokens']['prepare']
}

/** Everybody is somebody, and each instance is told so in its own way. */
function byHand({ check, prepare }: Hand = {}): ProxyIdentity & { readonly refused: Refusal[] } {
  const refused: Refusal[] = []
  return {
    refused,
    guard: {
      check: (exchange, route) => {
        exchange.caller = caller
        return check?.(exchange, route)
      },
    },
    tokens: {
      prepare:
        prepare ??
        ((exchange, { login = 'cookie', id }) => {
          exchange.loginCookie = login === 'cookie' ? `token-for-${id}` : undefined
          exchange.loginHeader = login === 'header' ? `token-for-${id}` : undefined
        }),
    },
    refuse(exchange, _route, refusal) {
      refused.push(refusal)
      exchange.answer(401, {}, refusal)
    },
  }
}

/** Gives a promise, and the way to settle it. */
function held<Value>() {
  const { promise, resolve, reject } = Promise.withResolvers<Value>()
  return { promise, resolve, reject }
}

const signIn: ServiceSignIn = {
  wishOf: (exchange, status) => (status === 302 ? `/login?ref=${exchange.path}` : undefined),
  isOver: () => false,
}

test('each instance a request is tried at is told in its own way, and nothing of what another was told', async (t) => {
  const heads: string[] = []
  const broken = await rawServer(t, (end) =>
    onHead(end, (head) => {
      heads.push(head)
      end.socket.destroy()
    }),
  )
  const service = await rawServer(t, (end) =>
    onHead(end, (head) => {
      heads.push(head)
      end.send(OK)
    }),
  )
  const instances = [
    instanceAt(broken.port, { id: 'one', login: 'cookie' }),
    instanceAt(await deadPort(), { id: 'two', login: 'cookie' }),
    instanceAt(service.port, { id: 'three', login: 'header' }),
  ]
  const rig = await startRig(t, { routes: [{ path: '/a', instances }], identity: byHand() })
  const client = rawClient(t, rig.port, 'GET /a HTTP/1.1\r\nHost: a\r\nCookie: x=1; HYDRA-SSO=theirs\r\n\r\n')
  await client.sees('ok')
  const [first, second] = heads as [string, string]
  assert.match(first, /\r\nCookie: x=1; HYDRA-SSO=token-for-one\r\n/)
  assert.doesNotMatch(first, /hydra-token|theirs/i)
  assert.match(second, /\r\nCookie: x=1\r\n/)
  assert.match(second, /\r\nhydra-token: token-for-three\r\n/i)
  assert.doesNotMatch(second, /HYDRA-SSO/)
})

test('a request without our cookies goes on in the bytes it came in', async (t) => {
  let seen = ''
  const service = await rawServer(t, (end) =>
    onHead(end, (head) => {
      seen = head
      end.send(OK)
    }),
  )
  const none: ProxyIdentity = { ...byHand(), guard: { check: () => undefined } }
  const rig = await startRig(t, {
    routes: [{ path: '/a', instances: [instanceAt(service.port)] }],
    identity: none,
  })
  const lines = 'Accept: x\r\ncookie:  a=1;b="HYDRA";  c\r\nX-A: 1\r\nCOOKIE: d\r\n'
  await rawClient(t, rig.port, `GET /a HTTP/1.1\r\nHost: a\r\n${lines}\r\n`).sees('ok')
  assert.ok(seen.includes(`\r\n${lines}`), seen)
})

test('what is found out late is waited for, body and all', async (t) => {
  const bodies: string[] = []
  const service = await httpService(t, async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    bodies.push(body)
    response.end(request.headers.cookie)
  })
  const known = held<undefined>()
  const signed = held<void>()
  const identity = byHand({
    check: () => known.promise,
    prepare(exchange) {
      return signed.promise.then(() => {
        exchange.loginCookie = 'late'
      })
    },
  })
  const rig = await startRig(t, { routes: [{ path: '/a', instances: [instanceAt(service.port)] }], identity })
  const body = 'x'.repeat(300_000)
  const answer = fetch(`${rig.url}/a`, { method: 'POST', body })
  const piped = rawClient(t, rig.port, 'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab')
  piped.send('cdGET /a HTTP/1.1\r\nHost: a\r\n\r\n')
  known.resolve(undefined)
  signed.resolve()
  const got = await answer
  assert.equal(await got.text(), 'HYDRA-SSO=late')
  await piped.sees(/HYDRA-SSO=late[\s\S]*HYDRA-SSO=late/)
  assert.deepEqual(
    bodies.map((one) => one.length).sort((a, b) => a - b),
    [0, 4, 300_000],
  )
})

test('who is refused late is refused, and who left meanwhile is forgotten', async (t) => {
  let asked = 0
  const service = await httpService(t, (_request, response) => {
    asked++
    response.end()
  })
  let waiting = held<Refusal | undefined>()
  let checks = 0
  let prepares = 0
  const signed = held<void>()
  const ended: string[] = []
  const identity = byHand({
    check(exchange) {
      checks++
      exchange.onEnd((outcome) => ended.push(outcome))
      return waiting.promise
    },
    prepare() {
      prepares++
      return signed.promise
    },
  })
  const rig = await startRig(t, { routes: [{ path: '/a', instances: [instanceAt(service.port)] }], identity })
  const refused = fetch(`${rig.url}/a`)
  waiting.resolve('forbidden')
  assert.equal(await (await refused).text(), 'forbidden')

  waiting = held()
  const client = rawClient(t, rig.port, 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n')
  await until('the guard', () => checks === 2)
  client.socket.destroy()
  await until('the visitor to be gone', () => ended.includes('aborted'))
  waiting.resolve(undefined)

  waiting = held()
  const other = rawClient(t, rig.port, 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n')
  waiting.resolve(undefined)
  await until('the token', () => prepares === 1)
  other.socket.destroy()
  await until('the other to be gone', () => ended.filter((outcome) => outcome === 'aborted').length === 2)
  signed.resolve()

  // What fails late is answered.
  waiting = held()
  const failed = fetch(`${rig.url}/a`)
  await until('the guard once more', () => checks === 4)
  waiting.reject(new Error('no key'))
  assert.equal((await failed).status, 500)
  assert.equal(asked, 0)
  assert.deepEqual(identity.refused, ['forbidden'])
})

for (const isLate of [false, true]) {
  test(`a retry finds a route that is for others by now${isLate ? ', as a look later shows' : ''}`, async (t) => {
    let asked = 0
    const second = await httpService(t, (_request, response) => {
      asked++
      response.end('served')
    })
    const identity = byHand({
      check: (_exchange, { roles }) => {
        const refusal = roles?.includes('ADMIN') ? 'forbidden' : undefined
        return isLate && roles ? Promise.resolve(refusal) : refusal
      },
    })
    const first = await rawServer(t, (end) =>
      onHead(end, (head) => {
        const role = head.includes('/closed') ? 'ADMIN' : 'USER'
        rig.live.table = handTable([{ path: '/**', roles: [role], instances: [instanceAt(second.port)] }])
        end.socket.destroy()
      }),
    )
    const open = handTable([{ path: '/**', instances: [instanceAt(first.port)] }])
    const rig = await startRig(t, { identity })
    rig.live.table = open
    const closed = await fetch(`${rig.url}/closed`)
    assert.deepEqual([closed.status, await closed.text(), asked], [401, 'forbidden', 0])
    rig.live.table = open
    const served = await fetch(`${rig.url}/open`)
    assert.deepEqual([served.status, await served.text(), asked], [200, 'served', 1])
  })
}

test('over HTTP/2 services are told the same, and set the same cookies', async (t) => {
  let seen = ''
  const service = await rawServer(t, (end) =>
    onHead(end, (head) => {
      seen = head
      end.send(
        'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nSet-Cookie: early=1\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie: sid=1\r\nSet-Cookie: HYDRA-SSO=evil\r\nSet-Cookie: =HYDRA-SSO=evil\r\nContent-Length: 2\r\n\r\nok',
      )
    }),
  )
  const certificates = createCertificates({
    sources: [{ cert: TLS_CERT, key: TLS_KEY }],
    log: createLog('silent'),
    clock: systemClock,
  })
  t.after(certificates.close)
  const rig = await startRig(t, {
    routes: [
      { path: '/a', instances: [instanceAt(service.port, { id: 'h2', cookiePrefix: 'HYDRA-shop.' })] },
    ],
    identity: byHand(),
    certificates,
    http2: http2Defaults,
  })
  const session = connectHttp2(`https://localhost:${rig.port}`, { rejectUnauthorized: false })
  t.after(() => session.destroy())
  const stream = session.request(
    {
      ':path': '/a',
      cookie: ['a=1', 'HYDRA-shop.b=2', 'HYDRA-SSO=theirs'] as unknown as string,
      'hydra-token': 'evil',
    },
    { endStream: true },
  )
  const early: unknown[] = []
  stream.on('headers', (headers) => early.push(headers['set-cookie']))
  const cookies = await new Promise((resolve, reject) => {
    stream.once('response', (headers) => resolve(headers['set-cookie']))
    stream.once('error', reject)
  })
  stream.resume()
  assert.deepEqual(cookies, ['HYDRA-shop.sid=1'])
  assert.deepEqual(early, [undefined])
  assert.match(seen, /\r\nCookie: a=1; b=2; HYDRA-SSO=token-for-h2\r\n/)
  assert.ok(!/evil|theirs/.test(seen), seen)
  assert.match(
    (await rig.metrics.text()).body,
    /hydra_refused_total\{what="set-cookie",reason="reserved"\} 2/,
  )
  assert.equal(rig.lines.filter(({ msg }) => String(msg).startsWith('cookie of a service dropped')).length, 1)
})

test('a service that wants a sign-in gets one: its cookies stay, its words don’t, its connection is used again', async (t) => {
  const service = await rawServer(t, (end) =>
    onHead(end, (head) => {
      if (head.includes('/plain')) end.send(OK)
      else
        end.send(
          'HTTP/1.1 302 Found\r\nLocation: /login\r\nSet-Cookie: Referer=/a/b; Max-Age=240\r\nSet-Cookie: HYDRA-SSO=x\r\nX-Own: 1\r\nContent-Length: 6\r\n\r\nsecret',
        )
    }),
  )
  const instance = instanceAt(service.port, { channel: 'http' })
  const routes = [{ path: '/**', instances: [instance], compose: true }]
  const rig = await startRig(t, {
    ...{ routes, signIn, identity: byHand() },
    onHead: (exchange) => exchange.addHeader('X-Added', 'yes'),
    composer: () => ({ wantsWhole: () => true, isPartOfPage: () => false, compose: () => undefined }),
  })
  const ask = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
  const client = rawClient(t, rig.port, ask('/a/b') + ask('/a/b'))
  await client.sees(/303 See[\s\S]*303 See[\s\S]*yes\r\n[\s\S]*\r\n\r\n$/)
  const connections = service.ends.length
  client.send(ask('/plain') + ask('/c'))
  await client.sees(/\r\n\r\nok[\s\S]*303 See[\s\S]*\r\n\r\n$/)
  const answers = client.text.split(/(?=HTTP\/1.1 )/)
  assert.deepEqual(
    answers.map((text) => text.slice(9, 12)),
    ['303', '303', '200', '303'],
  )
  const [redirect] = answers as [string]
  assert.match(redirect, /\r\nLocation: \/login\?ref=\/a\/b\r\n/)
  assert.match(redirect, /\r\nSet-Cookie: Referer=\/a\/b; Max-Age=240; Path=\/\r\n/)
  assert.match(redirect, /\r\nCache-Control: no-store\r\n/)
  assert.match(redirect, /\r\nContent-Length: 0\r\n/)
  assert.match(redirect, /\r\nX-Added: yes\r\n/)
  assert.doesNotMatch(client.text, /secret|X-Own|HYDRA-SSO/)
  assert.equal(service.ends.length, connections)
  assert.equal(rig.vitals.of(instance.id).inFlight, 0)
})

test('a wish for a sign-in with a body that never ends costs its connection only', async (t) => {
  const service = await rawServer(t, (end) =>
    onHead(end, (head) => {
      if (head.includes('/plain')) end.send(OK)
      else end.send('HTTP/1.1 302 Found\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
    }),
  )
  const rig = await startRig(t, {
    routes: [{ path: '/**', instances: [instanceAt(service.port)] }],
    signIn,
    identity: byHand(),
  })
  const client = rawClient(
    t,
    rig.port,
    'GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /plain HTTP/1.1\r\nHost: a\r\n\r\n',
  )
  await client.sees(/303 See Other[\s\S]*ok$/)
  assert.equal(service.ends.length, 2)
  await service.ends[0]!.closed()
})

test('without identity, a service’s own redirect to its login goes on', async (t) => {
  const service = await httpService(t, (_request, response) => {
    response.writeHead(302, { location: '/login' }).end('x')
  })
  const rig = await startRig(t, { routes: [{ path: '/a', instances: [instanceAt(service.port)] }] })
  const answer = await fetch(`${rig.url}/a`, { redirect: 'manual', headers: { accept: 'text/html' } })
  assert.deepEqual([answer.status, answer.headers.get('location')], [302, '/login'])
})

/** Lets everybody in, as whom the query names among these; sessions are called like them. */
function byQuery(names: readonly string[]): ProxyIdentity {
  return {
    ...byHand(),
    guard: {
      check(exchange) {
        const name = exchange.query.slice(1)
        exchange.caller = names.includes(name) ? ({ sid: name } as Caller) : undefined
        return undefined
      },
    },
  }
}

test('sockets are closed by who opened them, and one that is agreed to too late as well', async (t) => {
  const service = await httpService(t, () => {})
  const sockets = new WebSocketServer({ server: service.server })
  t.after(() => sockets.close())
  let isOver = false
  const identity = byQuery(['mira', 'tom'])
  const routes = [{ path: '/ws', kind: 'socket', instances: [instanceAt(service.port)] }] as const
  const rig = await startRig(t, { routes, identity, signIn: { ...signIn, isOver: () => isOver } })
  const open = async (who: string) => {
    const socket = new WebSocket(`ws://127.0.0.1:${rig.port}/ws?${who}`)
    const closed = new Promise((resolve) =>
      socket.once('close', (code, reason) => resolve(`${code} ${reason}`)),
    )
    await new Promise((resolve) => socket.once('open', resolve))
    t.after(() => socket.terminate())
    return { socket, closed }
  }
  const [mira, tom, nobody] = [await open('mira'), await open('tom'), await open('nobody')]
  const closeOf = (sid: string) =>
    rig.forwarder.endSocketsWhere(({ caller: who }) => who?.sid === sid, 4401, 'signed out')
  assert.equal(closeOf('mira'), 1)
  assert.equal(await mira.closed, '4401 signed out')
  assert.equal(closeOf('nobody'), 0)
  assert.deepEqual([tom.socket.readyState, nobody.socket.readyState], [WebSocket.OPEN, WebSocket.OPEN])
  isOver = true
  assert.equal(await (await open('tom')).closed, '4401 the session has ended')
})

test('an event stream that begins after its visitor has signed out is cut at once', async (t) => {
  const service = await httpService(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
  })
  const identity = byQuery(['mira', 'tom'])
  const rig = await startRig(t, {
    routes: [{ path: '/events', instances: [instanceAt(service.port)] }],
    identity,
    signIn: { ...signIn, isOver: ({ sid }) => sid === 'tom' },
  })
  const read = async (who: string) => {
    const response = await fetch(`${rig.url}/events?${who}`, { signal: AbortSignal.timeout(2000) })
    const reader = response.body!.getReader()
    return { first: await reader.read(), reader }
  }
  const mira = await read('mira')
  assert.equal(Buffer.from(mira.first.value!).toString(), 'data: 1\n\n')
  await mira.reader.cancel()
  const cut = async () => {
    const { reader } = await read('tom')
    await reader.read()
  }
  await assert.rejects(cut(), (error: Error) => error.name !== 'TimeoutError')
})
