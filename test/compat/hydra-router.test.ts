/**
 * A gateway beside an original hydra-router that shares its Redis: clients, mail and services of one are those of the other,
 * and the same requests are answered alike, but for the differences that are named here.
 *
 * `HYDRA_ROUTER_DIR` is a checkout of hydra-router with its modules; without it nothing of this runs.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { after, before, suite, type TestContext, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts'
import { type HydraService, startHydraService } from '../support/hydra-express.ts'
import { openClient } from '../support/message-client.ts'
import { startProcess, type TestProcess } from '../support/process.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'

const { HYDRA_ROUTER_DIR: directory = '' } = process.env
const isThere = directory !== '' && existsSync(join(directory, 'hydra-router.js'))
const skip = isThere ? false : 'HYDRA_ROUTER_DIR names no checkout of hydra-router'
const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, PUT, DELETE, OPTIONS',
  'access-control-allow-headers': 'accept, authorization, content-type',
}
/** With it ids of clients are told whole. */
const TOKEN = '098ebe18-7e1b-4ddd-ae2a-cc6521e5b641'
/** Presence of hydra is cached for 3 s, and gone 3 s after somebody died. */
const SLOW_MS = 20_000

interface Original {
  readonly url: string
  readonly process: TestProcess
}

async function startOriginal(t: Pick<TestContext, 'after'>, redisUrl: string): Promise<Original> {
  const port = await freePort()
  const folder = await mkdtemp(join(tmpdir(), 'hydra-router-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'config.json')
  await writeFile(
    file,
    JSON.stringify({
      ...{ externalRoutes: {}, routerToken: '', disableRouterEndpoint: false, debugLogging: false },
      ...{ queuerDB: 0, requestTimeout: 5, forceMessageSignature: false, cors: CORS },
      hydra: {
        ...{ serviceName: 'hydra-router', serviceDescription: 'the original', serviceType: 'router' },
        ...{ serviceIP: '127.0.0.1', servicePort: port, serviceInterface: 'lo', plugins: {} },
        redis: { url: redisUrl },
      },
    }),
  )
  const process = startProcess(t, {
    args: ['--no-warnings', join(directory, 'hydra-router.js')],
    cwd: directory,
    // It looks for its file in a folder of its own.
    env: { ROUTER_CONFIG: relative(join(directory, 'config'), file) },
  })
  await process.printed(/Starting service/, SLOW_MS)
  const url = `http://127.0.0.1:${port}`
  await eventually(async () => assert.ok((await fetch(`${url}/v1/router/version`)).ok), SLOW_MS)
  return { url, process }
}

suite('beside an original hydra-router', { skip }, () => {
  const ends: (() => unknown)[] = []
  const all = { after: (end: () => unknown) => void ends.push(end) } as unknown as Pick<TestContext, 'after'>
  let redis: TestRedis
  let redisUrl: string
  let original: Original
  let gateway: GatewayProcess
  let hello: HydraService

  before(async () => {
    redis = await startRedis(all)
    redisUrl = `redis://127.0.0.1:${redis.port}/15`
    ;[original, gateway, hello] = await Promise.all([
      startOriginal(all, redisUrl),
      startGatewayProcess(all, {
        redis: { url: redisUrl },
        flywheel: { enabled: true, address: '127.0.0.1', cors: CORS, routerToken: TOKEN },
      }),
      startHydraService(all, {
        redisUrl,
        name: 'hello',
        routes: ['[get]/v1/hello/:id', '[post]/v1/hello', '[put]/v1/hello/:id', '[delete]/v1/hello/:id'],
      }),
    ])
    // Both know the service.
    await eventually(async () => {
      for (const { url } of [gateway, original])
        assert.equal((await fetch(`${url}/v1/hello/1`)).status, 200, url)
    }, SLOW_MS)
  })
  after(async () => {
    for (const end of ends.reverse()) await end()
  })

  const open = (t: TestContext, { url }: { readonly url: string }) => openClient(t, url.replace('http', 'ws'))
  const directoryOf = async ({ url }: { readonly url: string }) => {
    const { result } = (await (await fetch(`${url}/v1/router/list/wsdir?token=${TOKEN}`)).json()) as {
      result: Record<string, Record<string, 1>>
    }
    return Object.fromEntries(
      Object.entries(result).map(([router, ids]) => [router, Object.keys(ids).sort()]),
    )
  }
  const agree = () =>
    eventually(async () => {
      const [ours, theirs] = await Promise.all([directoryOf(gateway), directoryOf(original)])
      const filled = (all_: Record<string, string[]>) =>
        Object.fromEntries(Object.entries(all_).filter(([, ids]) => ids.length > 0))
      assert.deepEqual(filled(ours), filled(theirs))
      return ours
    }, SLOW_MS)

  test('both say the same of who is where, as clients come and go', async (t) => {
    const [ours, theirs] = [await open(t, gateway), await open(t, original)]
    const known = await eventually(async () => {
      const there = await agree()
      const ids = Object.values(there).flat()
      assert.ok(ids.includes(ours.id) && ids.includes(theirs.id))
      return there
    }, SLOW_MS)
    assert.equal(Object.values(known).filter((ids) => ids.length > 0).length, 2)
    const asked = await ours.ask({
      ...{ to: 'hydra-router:/', typ: 'wsdir.loc', bdy: { clientID: theirs.id } },
    })
    const askedThere = await theirs.ask({
      ...{ to: 'hydra-router:/', typ: 'wsdir.loc', bdy: { clientID: theirs.id } },
    })
    assert.deepEqual(asked.bdy, askedThere.bdy)
    await theirs.close()
    await ours.close()
    await eventually(async () => {
      for (const one of [gateway, original])
        assert.deepEqual(Object.values(await directoryOf(one)).flat(), [], one.url)
    }, SLOW_MS)
  })

  test('a client of one and a client of the other write to each other', async (t) => {
    const [ours, theirs] = [await open(t, gateway), await open(t, original)]
    await agree()
    for (const [from, to] of [
      [ours, theirs],
      [theirs, ours],
    ] as const) {
      let n = 0
      // The original does not see a router that came less than 3 s ago (B27).
      const got = await eventually(async () => {
        n++
        from.send({
          ...{ to: 'hydra-router:/', frm: `${from.id}@client:/`, fwd: `${to.id}@client:/` },
          ...{ typ: 'chat', bdy: { n } },
        })
        return eventually(
          () =>
            to.got.find(({ typ }) => typ === 'chat') ??
            assert.fail(`${from === ours} ${JSON.stringify([from.got, to.got])}`),
          500,
        )
      }, SLOW_MS)
      assert.equal(got.frm, `${from.id}@client:/`)
    }
  })

  test('a service is asked by clients of both, and each gets its own answer', async (t) => {
    for (const one of [gateway, original]) {
      const client = await open(t, one)
      const asked = { to: 'hello:/', frm: `${client.id}@client:/`, typ: 'ask', bdy: { at: one.url } }
      const { bdy, frm } = await client.ask(asked)
      assert.deepEqual(bdy, { answer: { at: one.url }, instance: hello.instanceId })
      assert.ok(frm!.endsWith('hello:/'), frm)
    }
  })

  test('a service that pushes to a client by the wrong router reaches it by ours; the original keeps it (B9)', async (t) => {
    const [ours, theirs] = [await open(t, gateway), await open(t, original)]
    const there = await agree()
    const routerOf = (id: string) => Object.keys(there).find((router) => there[router]!.includes(id))!
    const push = (router: string, client: string, n: number) =>
      hello.call('sendMessage', {
        ...{ to: `${router}@hydra-router:/`, fwd: `${client}@client:/`, frm: 'hello:/' },
        ...{ typ: 'push', bdy: { n } },
      })
    await push(routerOf(ours.id), theirs.id, 1)
    assert.equal((await theirs.next(({ typ }) => typ === 'push')).bdy.n, 1)
    await push(routerOf(theirs.id), ours.id, 2)
    // The original puts it into the mail, which comes with a reconnect, here as there.
    const again = await open(t, gateway)
    const mail = await eventually(async () => {
      again.send({ to: 'hydra-router:/', typ: 'reconnect', bdy: { id: ours.id } })
      return eventually(() => again.got.find(({ typ }) => typ === 'push') ?? assert.fail(), 500)
    }, SLOW_MS)
    assert.equal(mail.bdy.n, 2)
  })

  for (const [what, isOurs] of [
    ['mail the original has kept comes at ours, the oldest first (B6)', true],
    ['mail ours has kept comes at the original', false],
  ] as const)
    test(what, async (t) => {
      const [keeps, gives] = isOurs ? [original, gateway] : [gateway, original]
      const gone = await open(t, keeps)
      const sender = await open(t, keeps)
      await agree()
      await gone.close()
      await eventually(async () => {
        for (const one of [keeps, gives])
          assert.ok(
            !Object.values(await directoryOf(one))
              .flat()
              .includes(gone.id),
          )
      }, SLOW_MS)
      for (let n = 1; n <= 5; n++)
        sender.send({ to: 'hydra-router:/', fwd: `${gone.id}@client:/`, typ: 'kept', bdy: { n } })
      await sender.ask({ to: 'hydra-router:/', typ: 'ping' })
      const back = await open(t, gives)
      back.send({ to: 'hydra-router:/', typ: 'reconnect', bdy: { id: gone.id } })
      const kept = await eventually(() => {
        const numbers = back.got.filter(({ typ }) => typ === 'kept').map(({ bdy }) => bdy.n)
        assert.equal(numbers.length, 5, JSON.stringify(back.got))
        return numbers
      }, SLOW_MS)
      assert.deepEqual(isOurs ? kept : kept.toSorted(), [1, 2, 3, 4, 5])
      assert.equal(back.id, gone.id)
    })

  interface Asked {
    readonly method?: string
    readonly path: string
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: string
    /** What the original does otherwise, and what its releases answer. */
    readonly differs?: {
      readonly why: string
      readonly original: readonly (number | 'nothing')[]
      readonly ours: number
    }
  }
  const json = { 'content-type': 'application/json' }
  const REQUESTS: readonly Asked[] = [
    { path: '/v1/hello/1' },
    { path: '/v1/hello/a%20b?x=1&y=%2F' },
    { path: '/v1/hello/1', headers: { authorization: 'Bearer x', 'x-more': '1' } },
    { method: 'POST', path: '/v1/hello', headers: json, body: '{"a":[1,2,{"b":"ü"}]}' },
    {
      ...{ method: 'POST', path: '/v1/hello', body: 'a=1&b=x+y' },
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    },
    { method: 'PUT', path: '/v1/hello/7', headers: json, body: '{"a":1}' },
    { method: 'DELETE', path: '/v1/hello/7' },
    { method: 'OPTIONS', path: '/v1/hello/7', headers: { origin: 'http://elsewhere.example' } },
    { method: 'OPTIONS', path: '/v1/router/version' },
    // A site: three shapes arrive as they are, deeper ones without the name; what its pages name from the root by Referer.
    { path: '/hello' },
    { path: '/hello/' },
    { path: '/hello/page' },
    { path: '/hello/css/deep/style.css' },
    { path: '/style.css', headers: { referer: 'http://site.example/hello/page' } },
    { path: '/nobody/knows' },
    { method: 'POST', path: '/nobody/knows', headers: json, body: '{}' },
    {
      path: '/v1/router/version',
      differs: { why: 'each says its own version', original: [200], ours: 200 },
    },
    { path: '/v1/router/list/nothing' },
    { path: '/gone/1' },
    {
      ...{ method: 'PATCH', path: '/v1/hello/7', headers: json, body: '{"a":1}' },
      differs: { why: 'B18: the original loses the body of a PATCH', original: [404], ours: 404 },
    },
    {
      path: '/hydra-router/a/b',
      differs: { why: 'B11: the original never answers', original: ['nothing', 404], ours: 404 },
    },
    {
      ...{ path: '/elsewhere', headers: { referer: 'http://site.example/hydra-router' } },
      differs: { why: 'B11: the original never answers', original: ['nothing', 404], ours: 404 },
    },
  ]

  interface Answered {
    readonly status: number | 'nothing'
    readonly type: string
    readonly cors: Readonly<Record<string, string>>
    readonly text: string
  }

  async function answerOf(
    { url }: { readonly url: string },
    { method = 'GET', path, headers, body }: Asked,
  ): Promise<Answered> {
    const token = path.startsWith('/v1/router/') && url === gateway.url ? `?token=${TOKEN}` : ''
    const response = await fetch(`${url}${path}${token}`, {
      ...{ method, redirect: 'manual' as const, signal: AbortSignal.timeout(2000) },
      ...(headers ? { headers } : {}),
      ...(body === undefined ? {} : { body }),
    }).catch(() => undefined)
    if (!response) return { status: 'nothing' as const, type: '', cors: {}, text: '' }
    return {
      status: response.status,
      type: response.headers.get('content-type') ?? '',
      cors: Object.fromEntries([...response.headers].filter(([name]) => name.startsWith('access-control-'))),
      text: await response.text(),
    }
  }
  /** Members of our own errors that those of the original lack; of releases before 2016, which its documentation has. */
  const OURS = ['type', 'title', 'code', 'exchange', 'detail', 'status', 'statusText']
  /** What the original adds to every answer that is JSON and lacks it (B3). */
  const ADDED = ['statusCode', 'statusMessage', 'statusDescription', 'result']

  /** Both bodies without what is of one request alone, of whoever asked, or of one of the two. */
  function comparable(ours: Answered, theirs: Answered): readonly [unknown, unknown] {
    if (!ours.type.includes('json') || !theirs.type.includes('json')) return [ours.text, theirs.text]
    const [our, their] = [ours, theirs].map(({ text }) => {
      const { tracer: _, ...said } = JSON.parse(text)
      if (!said.result?.headers) return said
      const { authorization, 'x-more': more } = said.result.headers
      return { ...said, result: { ...said.result, headers: { authorization, more } } }
    })
    const isOwn = typeof our.code === 'string' && our.code.startsWith('HYDRA_')
    for (const name of OURS) if (isOwn) delete our[name]
    for (const name of ADDED) if (!(name in our)) delete their[name]
    return [our, their]
  }

  test('the same requests are answered alike: status, type, CORS, body', async (t) => {
    const gone = await startHydraService(t, {
      redisUrl,
      name: 'gone',
      kind: 'core',
      routes: ['[get]/gone/:id'],
    })
    await eventually(async () => {
      for (const { url } of [gateway, original]) assert.notEqual((await fetch(`${url}/gone/1`)).status, 404)
    }, SLOW_MS)
    await gone.kill()
    const isGone = async ({ url }: { readonly url: string }) =>
      assert.match(await (await fetch(`${url}/gone/1`)).text(), /"Unavailable gone instances"/)
    await eventually(async () => void (await Promise.all([isGone(gateway), isGone(original)])), SLOW_MS)
    const differences: string[] = []
    for (const asked of REQUESTS) {
      const what = `${asked.method ?? 'GET'} ${asked.path}`
      const [ours, theirs] = await Promise.all([answerOf(gateway, asked), answerOf(original, asked)])
      if (asked.differs) {
        const { why, original: those, ours: expected } = asked.differs
        assert.equal(ours.status, expected, `${what}: ${why}`)
        assert.ok(those.includes(theirs.status), `${what}: ${why}; it answered ${theirs.status}`)
        t.diagnostic(`${what}: ${why}`)
        continue
      }
      const [body, theirBody] = comparable(ours, theirs)
      const of = (one: Answered) => ({ status: one.status, type: one.type.toLowerCase(), cors: one.cors })
      try {
        assert.deepEqual({ ...of(ours), body }, { ...of(theirs), body: theirBody }, what)
      } catch (error) {
        differences.push((error as Error).message)
      }
    }
    assert.deepEqual(differences, [])
  })

  test('an answer arrives byte for byte as the service sent it; the original writes it anew (B3)', async () => {
    const { url } = gateway
    const [there, here] = await Promise.all(
      [`http://127.0.0.1:${hello.port}`, url].map(async (base) => (await fetch(`${base}/v1/hello/1`)).text()),
    )
    const withoutHeaders = (text: string) => text.replace(/"headers":\{[^}]*\}/, '')
    assert.equal(withoutHeaders(here!), withoutHeaders(there!))
  })

  test('an original that leaves takes its clients out of the directory at once; one that dies, within seconds (it stayed for ever)', async (t) => {
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const other = await startOriginal(t, redisUrl)
      const [theirs, ours] = [await open(t, other), await open(t, gateway)]
      await eventually(
        async () =>
          assert.ok(
            Object.values(await directoryOf(gateway))
              .flat()
              .includes(theirs.id),
          ),
        SLOW_MS,
      )
      await other.process.kill(signal)
      await eventually(
        async () =>
          assert.ok(
            !Object.values(await directoryOf(gateway))
              .flat()
              .includes(theirs.id),
          ),
        SLOW_MS,
      )
      // A client has nothing kept for an id that nobody knows any more; a service has, as ever.
      const refused = await ours.ask({ to: 'hydra-router:/', fwd: `${theirs.id}@client:/`, typ: 'late' })
      assert.match(refused.bdy.error, /no client is called/)
      const there = await directoryOf(gateway)
      const router = Object.keys(there).find((one) => there[one]!.includes(ours.id))
      await hello.call('sendMessage', {
        ...{ to: `${router}@hydra-router:/`, fwd: `${theirs.id}@client:/`, frm: 'hello:/' },
        ...{ typ: 'late', bdy: { signal } },
      })
      await eventually(async () => {
        const queued = await redis.command('LLEN', `hydra-router:message:queue:${theirs.id}:queued`)
        assert.equal(queued, 1)
      })
      const back = await open(t, original)
      back.send({ to: 'hydra-router:/', typ: 'reconnect', bdy: { id: theirs.id } })
      assert.deepEqual((await back.next(({ typ }) => typ === 'late')).bdy, { signal })
    }
  })
})
