/**
 * Runs the examples of docs/guides/protect-a-service.md as they stand there, behind a gateway where people sign in.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import { eventually } from '../support/eventually.ts'
import { readGuide } from '../support/guide.ts'
import { asked, opened, signIn, startSite } from './identity-support.ts'

const { text: guide, example, start, run } = await readGuide('docs/guides/protect-a-service.md')

test('Express: guards are told to the gateway, which leads to the sign-in and lets those in who may', async (t) => {
  const gateway = await startSite(t)
  const service = await run(t, gateway, 'desk.mjs')
  const said = /hydra: desk offers 4 routes[\s\S]*?\(ADMIN\)\n/.exec(guide)?.[0].replace(/port \d+/, '')
  assert.ok(said)
  assert.ok(
    service
      .output()
      .replace(/port \d+/, '')
      .includes(said),
    service.output(),
  )

  const at = (path: string) => gateway.url + path
  assert.equal(await asked(at('/desk')), '200 Good morning')
  assert.equal(await asked(at('/desk/mine')), '401 HYDRA_LOGIN_REQUIRED')
  const led = await opened(at('/desk/mine?from=guide'))
  assert.deepEqual(
    [led.status, led.headers.location],
    [303, `/login?ref=${encodeURIComponent('/desk/mine?from=guide')}`],
  )
  const mira = await signIn(gateway, 'mira')
  assert.equal(await asked(at('/desk'), mira), '200 Good morning, mira')
  assert.equal(await asked(at('/desk/mine'), mira), '200 {"owner":"local:mira","roles":["STAFF"]}')
  assert.equal(await asked(at('/desk/staff/tasks'), mira), '200 Tasks of mira')
  assert.equal(await asked(at('/desk/admin'), mira), '403 HYDRA_FORBIDDEN')
  assert.equal((await opened(at('/desk/admin'), mira)).status, 403)
  assert.equal(await asked(at('/desk/admin'), await signIn(gateway, 'root')), '200 Admin')
})

test('Fastify, Hono and plain Node are as short', async (t) => {
  const gateway = await startSite(t)
  const files = ['bench.mjs', 'stool.mjs', 'lamp.mjs', 'who.mjs']
  const [bench, stool, lamp] = await Promise.all(files.map((file) => run(t, gateway, file)))
  assert.match(bench!.output(), /GET {2}\/bench\/mine \(signed in\)\n {2}GET {2}\/bench\/admin \(ADMIN\)/)
  assert.match(
    stool!.output(),
    /GET {2}\/stool\/mine \(signed in\)\n {2}GET {2}\/stool\/admin\/users \(ADMIN\)/,
  )
  assert.match(lamp!.output(), /\/lamp \(signed in\)/)
  const mira = await signIn(gateway, 'mira')
  const admin = await signIn(gateway, 'root')
  const at = (path: string) => gateway.url + path
  for (const path of ['/bench/mine', '/bench/admin', '/stool/mine', '/stool/admin/users', '/lamp']) {
    assert.equal(await asked(at(path)), '401 HYDRA_LOGIN_REQUIRED', path)
    assert.equal((await opened(at(path))).status, 303, path)
  }
  assert.equal(await asked(at('/bench/mine'), mira), '200 {"owner":"local:mira"}')
  assert.equal(await asked(at('/stool/mine'), mira), '200 {"owner":"local:mira"}')
  assert.equal(await asked(at('/lamp'), mira), '200 The lamp of mira')
  assert.equal(await asked(at('/bench/admin'), mira), '403 HYDRA_FORBIDDEN')
  assert.equal(await asked(at('/stool/admin/users'), mira), '403 HYDRA_FORBIDDEN')
  assert.equal(await asked(at('/bench/admin'), admin), '200 Admin')
  assert.equal(await asked(at('/stool/admin/users'), admin), '200 Users')
  assert.equal(await asked(at('/who')), '200 nobody')
  assert.equal(await asked(at('/who'), mira), '200 mira by local')
})

test('a service, its routes, sockets and fragments say whom they are for', async (t) => {
  const gateway = await startSite(t)
  const service = await run(t, gateway, 'ledger.mjs')
  for (const line of [
    'any        /ledger (signed in)',
    'any        /ledger/about (everybody)',
    'POST       /ledger/close (ACCOUNTANT)',
    'WebSocket  /ledger/live (STAFF)',
  ])
    assert.ok(service.output().includes(line), service.output())
  const mira = await signIn(gateway, 'mira')
  const at = (path: string) => gateway.url + path
  assert.equal(await asked(at('/ledger')), '401 HYDRA_LOGIN_REQUIRED')
  assert.equal(await asked(at('/ledger'), mira), '200 /ledger')
  assert.equal(await asked(at('/ledger/about')), '200 /ledger/about')
  assert.equal(await asked(at('/ledger/close'), mira, { method: 'POST' }), '403 HYDRA_FORBIDDEN')
  const refused = (cookie?: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const socket = new WebSocket(at('/ledger/live').replace('http', 'ws'), {
        headers: cookie ? { cookie } : {},
      })
      socket
        .on('unexpected-response', (_request, response) => resolve(response.statusCode))
        .on('open', reject)
      socket.on('error', () => {})
    })
  assert.equal(await refused(), 401)
  assert.equal(await refused(mira), 403, 'ledger calls nobody STAFF')
})

test('fake users are for development, around the gateway', async (t) => {
  const gateway = await startSite(t)
  const service = await start(t, gateway, 'hatch.mjs', { env: { NODE_ENV: 'development' } })
  await service.printed(/is behind/)
  assert.match(service.output(), /DEVELOPMENT ONLY: hatch has users that don't exist: mira \(ADMIN\), tom\./)
  const url = /http:\/\/localhost:\d+\/hatch/.exec(service.output())![0].replace('localhost', '127.0.0.1')
  assert.equal(await asked(`${url}?hydra-dev-user=mira`), '200 Hello Mira Nova')
  assert.equal(await asked(`${url}?hydra-dev-user=tom`), '403 HYDRA_FORBIDDEN')
  assert.equal(await asked(url), '401 HYDRA_LOGIN_REQUIRED')
  assert.equal(await asked(`${gateway.url}/hatch?hydra-dev-user=mira`), '401 HYDRA_LOGIN_REQUIRED')
  const open = example('hatch.mjs').replace(
    "name: 'hatch',",
    "name: 'hatch2', routes: [{ path: '/hatch', auth: 'optional' }],",
  )
  const bare = await start(t, gateway, 'hatch.mjs', {
    code: open.replaceAll('/hatch', '/bare'),
    env: { NODE_ENV: 'development' },
  })
  await bare.printed(/is behind/)
  assert.equal(
    await asked(`${gateway.url}/bare?hydra-dev-user=mira`),
    '401 HYDRA_LOGIN_REQUIRED',
    'not through it',
  )
  const production = await start(t, gateway, 'hatch.mjs', {
    code: example('hatch.mjs').replace("process.env.NODE_ENV === 'development'", 'true'),
    env: { NODE_ENV: 'production' },
  })
  await production.printed(/devUsers can’t be used with NODE_ENV=production/)
})

test('a service of any language verifies its own token by the keys anybody may read', async (t) => {
  const gateway = await startSite(t)
  const listening = /\.listen\(9000\)/
  const code = example('till.mjs')
  assert.match(code, listening)
  const till = await start(t, gateway, 'till.mjs', {
    code: `${code.replace(listening, ".listen(0, function () { console.log('port', this.address().port) })")}`,
  })
  await till.printed(/port \d+/)
  const port = Number(/port (\d+)/.exec(till.output())?.[1])
  const response = await fetch(`${gateway.discovery}/registration`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...JSON.parse(example('registration.json')), port }),
  })
  assert.equal(response.status, 200)
  const mira = await signIn(gateway, 'mira')
  await eventually(async () => assert.equal(await asked(`${gateway.url}/till`, mira), '200 The till of mira'))
  assert.equal(await asked(`${gateway.url}/till`), '401 HYDRA_LOGIN_REQUIRED')
  assert.equal(await asked(`${gateway.url}/till/close`, mira, { method: 'POST' }), '403 HYDRA_FORBIDDEN')
  assert.equal(await asked(`http://127.0.0.1:${port}/till`, mira), '401 ', 'the shared token is not for it')
})
