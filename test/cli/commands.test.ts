import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { emptyDirectory, runHydra } from '../support/hydra.ts'
import { startUpstream } from '../support/upstream.ts'

const keysOf = ({ publicKey, privateKey }: TestGateway) => ({
  HYDRA_PUBLIC_KEY: publicKey,
  HYDRA_PRIVATE_KEY: privateKey,
})

/** A gateway with two services, of which the second wants a page of the first. */
async function startShop(t: TestContext, listener?: RequestListener) {
  const gateway = await startGateway(t, { lease: { ttl: '60s' } })
  for (const [name, endpoints] of [
    ['orders', ['/orders', '/orders/{id}', '/health']],
    ['shop', ['/shop', '/orders']],
  ] as const) {
    const { port } = await startUpstream(t, name, listener)
    const menuItems = { main: [{ endpoint: `/${name}`, label: `${name} of old` }] }
    const body = {
      host: '127.0.0.1',
      port,
      name,
      version: '3.1.2',
      endpoints,
      staticResources: ['a.css'],
      menuItems,
    }
    const response = await fetch(`${gateway.discovery}/registration`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    assert.equal(response.status, 200)
  }
  const cwd = await emptyDirectory(t)
  const hydra = (...words: string[]) =>
    runHydra([...words, '--gateway', gateway.url], { cwd, env: keysOf(gateway) })
  return { gateway, cwd, hydra }
}

test('an operator sees services, instances, routes and who wanted what was taken', async (t) => {
  const { hydra } = await startShop(t)

  const services = await hydra('services', '--instances')
  assert.equal(services.status, 0, services.err)
  assert.match(services.out, /2 services, and all of them serve\./)
  assert.match(services.out, /^ {2}● available {2}orders +1 of 1 {2}3\.1\.2 .* orders of old$/m)
  assert.match(services.out, /^ {4}● available {2}http:\/\/127\.0\.0\.1:\d+ /m)
  assert.doesNotMatch(services.out, /\u001b/)

  const routes = await hydra('routes')
  assert.equal(routes.status, 0, routes.err)
  assert.match(routes.out, /● available {2}\/orders\/\{id\} +orders +page/)
  assert.match(routes.out, /2 static \(--statics shows them\)/)
  assert.match(routes.out, /1 conflict: whoever was first keeps serving/)
  assert.match(routes.out, /\/health {2}orders {2}this path belongs to the gateway/)
  assert.match((await hydra('routes', '--statics', '--service', 'shop')).out, /\/shop\/a\.css +shop +static/)
})

test('whom routes are for is said as the gateway decides it, rules over services', async (t) => {
  const { port } = await startUpstream(t, 'desk')
  const url = `http://127.0.0.1:${port}`
  const gateway = await startGateway(t, {
    identity: {
      users: [{ username: 'mira', password: 'secret' }],
      database: false,
      rules: [
        { service: 'who', auth: 'required' },
        { path: '/desk/admin/**', roles: ['ADMIN'] },
        { path: '/open', auth: 'optional' },
      ],
    },
    services: {
      who: { url, routes: ['/who'] },
      desk: {
        url,
        routes: [
          '/desk/**',
          { path: '/open', roles: ['STAFF'] },
          { path: '/till', methods: ['GET'], roles: ['STAFF'] },
          { path: '/till', methods: ['OPTIONS'] },
          { path: '/asked', methods: ['OPTIONS'] },
        ],
      },
    },
  })
  const cwd = await emptyDirectory(t)
  const env = keysOf(gateway)
  const { out } = await runHydra(['routes', '--gateway', gateway.url], { cwd, env })
  const rowOf = (path: string) => out.split('\n').filter((line) => line.includes(` ${path} `))
  assert.match(rowOf('/who').join(), /signed in \(rule\)/)
  assert.match(rowOf('/desk/**').join(), /everybody; ADMIN at \/desk\/admin\/\*\* \(rule\)/)
  assert.match(rowOf('/open').join(), /everybody \(rule\)/)
  // OPTIONS of a path that has other methods is no news.
  assert.deepEqual([rowOf('/till').length, rowOf('/asked').length], [1, 1])
  assert.match(rowOf('/till').join(), /STAFF +GET/)
  assert.match(
    out,
    /6 routes; not shown: 1 for OPTIONS alone, of paths that have others \(--json shows them\)\./,
  )
  const { routes } = await gateway.admin('routes')
  assert.equal(routes.length, 6)
  for (const { pattern, methods, auth } of routes) {
    if (methods?.includes('OPTIONS')) continue
    const { status } = await fetch(`${gateway.url}${pattern.replace('/**', '/x')}`)
    assert.equal(status, auth === 'required' ? 401 : 200, pattern)
  }
  assert.equal((await fetch(`${gateway.url}/desk/admin/x`)).status, 401)
})

test('a service that asks for a provider nobody set up is told of, where it is looked at', async (t) => {
  const { port } = await startUpstream(t, 'desk')
  const gateway = await startGateway(t, {
    identity: { users: [{ username: 'mira', password: 'secret' }], database: false },
  })
  const bean = { name: 'desk', host: '127.0.0.1', port, providers: ['lokal'], routes: [{ path: '/desk' }] }
  const answer = await fetch(`${gateway.discovery}/registration`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(bean),
  })
  const warning = 'desk asks for sign-in providers that are not set up: "lokal"; did you mean "local"?'
  assert.deepEqual(((await answer.json()) as { warnings: unknown }).warnings, [warning])
  assert.equal(gateway.lines.filter(({ msg }) => msg === warning).length, 1)
  assert.deepEqual((await gateway.admin('routes')).warnings, [{ service: 'desk', warning }])
  const cwd = await emptyDirectory(t)
  const run = (...words: string[]) =>
    runHydra([...words, '--gateway', gateway.url], { cwd, env: keysOf(gateway) })
  const check = await run('check', '--strict')
  assert.deepEqual([check.status, check.out.includes(`▲ ${warning}`)], [1, true], check.out)
  assert.ok((await run('routes')).out.includes(`▲ ${warning}`))
})

test('the gateway services know by HYDRA_GATEWAY is the one that is asked, unless a flag names another', async (t) => {
  const gateway = await startGateway(t)
  const cwd = await emptyDirectory(t)
  const ask = (url: string, ...flags: string[]) =>
    runHydra(['services', ...flags], { cwd, env: { ...keysOf(gateway), HYDRA_GATEWAY: url } })
  const found = await ask(gateway.url)
  assert.equal(found.status, 0, found.err)
  assert.ok(found.out.includes(gateway.url), found.out)
  assert.equal((await ask('http://127.0.0.1:1', '--gateway', gateway.url)).status, 0)
  // Services are told of all nodes; a command asks the first that is there.
  const second = await ask(`http://127.0.0.1:1, ${gateway.url}`)
  assert.ok(second.out.includes(gateway.url), second.err)
  const none = await ask('http://127.0.0.1:1,http://127.0.0.1:2')
  assert.match(none.err, /No gateway answers at http:\/\/127\.0\.0\.1:1 /)
  const wrong = await ask('localhost')
  assert.equal(wrong.status, 2)
  assert.match(wrong.err, /HYDRA_GATEWAY is "localhost"; write an address such as/)
})

test('programs get JSON, and ASCII terminals get letters', async (t) => {
  const { hydra } = await startShop(t)
  const services = JSON.parse((await hydra('services', '--json')).out)
  assert.deepEqual(
    services.services.map(({ name, state }: { name: string; state: string }) => `${name} ${state}`),
    ['orders available', 'shop available'],
  )
  const { routes, conflicts } = JSON.parse((await hydra('routes', '--json')).out)
  assert.ok(routes.some(({ pattern }: { pattern: string }) => pattern === '/orders/{id}'))
  assert.equal(conflicts[0].newcomer, 'shop')
  assert.match((await hydra('services', '--ascii')).out, /^ {2}o available {2}orders/m)
})

test('routes of a service nobody knows are not just none', async (t) => {
  const { hydra } = await startShop(t)
  const slip = await hydra('routes', '--service', 'order')
  assert.deepEqual([slip.status, slip.out], [1, ''])
  assert.match(slip.err, /No service is called order; did you mean orders\?/)
  const nowhere = await hydra('routes', '--service', 'nosuch', '--json')
  assert.equal(nowhere.status, 1)
  assert.match(nowhere.err, /No service is called nosuch\.$/m)
})

test('a service that serves, or that nobody knows, is not forgotten', async (t) => {
  const { gateway, hydra } = await startShop(t)
  const serving = await hydra('services', 'forget', 'shop')
  assert.equal(serving.status, 1)
  assert.match(serving.err, /stop them first/)
  const unknown = await hydra('services', 'forget', 'nobody')
  assert.equal(unknown.status, 1)
  assert.match(unknown.err, /No service is called nobody/)
  assert.equal((await gateway.admin('services')).services.length, 2)
})

test('a service that is down is forgotten at once, unless the configuration has it', async (t) => {
  const dead = await startUpstream(t, 'dead')
  await dead.close()
  const gateway = await startGateway(t, {
    lease: { ttl: '50ms', check: '10ms' },
    services: { configured: { url: `http://127.0.0.1:${dead.port}`, routes: ['/configured'] } },
  })
  const body = JSON.stringify({ name: 'gone', host: '127.0.0.1', port: dead.port, endpoints: ['/gone'] })
  const headers = { 'content-type': 'application/json' }
  assert.equal(
    (await fetch(`${gateway.discovery}/registration`, { method: 'POST', headers, body })).status,
    200,
  )
  const status = async (path: string) => (await fetch(gateway.url + path)).status
  const forget = async (name: string) => {
    const words = ['services', 'forget', name, '--gateway', gateway.url]
    return runHydra(words, { cwd: await emptyDirectory(t), env: keysOf(gateway) })
  }
  await eventually(async () => {
    const { services } = await gateway.admin('services')
    assert.deepEqual(
      services.map(({ name, state }: any) => `${name} ${state}`),
      ['configured down', 'gone down'],
    )
  })
  assert.deepEqual([await status('/gone'), await status('/configured')], [503, 503])
  const listed = await runHydra(['services', '--gateway', gateway.url], {
    cwd: await emptyDirectory(t),
    env: keysOf(gateway),
  })
  assert.match(listed.out, /✕ down {2}gone +none /)
  assert.match(listed.out, /✕ down {2}configured +0 of 1 /)
  assert.equal((await forget('gone')).status, 0)
  assert.equal(await status('/gone'), 404)
  const refused = await forget('configured')
  assert.equal(refused.status, 1)
  assert.match(refused.err, /stands in the configuration/)
  assert.equal(await status('/configured'), 503)
})

test('check warns when services set the same cookie or speak for the whole site', async (t) => {
  const { hydra } = await startShop(t, (_, response) => {
    response.setHeader('set-cookie', 'sid=1; Path=/')
    response.setHeader('strict-transport-security', 'max-age=1')
    response.end('hello')
  })
  const checked = await hydra('check')
  assert.equal(checked.status, 0, checked.err)
  assert.match(checked.out, /orders and shop set a cookie of the same name, sid/)
  assert.match(checked.out, /orders sends strict-transport-security at \/orders/)
  assert.equal((await hydra('check', '--strict')).status, 1)
  assert.equal(JSON.parse((await hydra('check', '--json')).out).warnings.length, 3)
})

test('check looks at no headers of an error', async (t) => {
  const { hydra } = await startShop(t, (_, response) => {
    response.writeHead(500, { 'content-security-policy': "default-src 'none'" }).end('no')
  })
  const checked = await hydra('check', '--strict')
  assert.equal(checked.status, 0, checked.out)
  assert.match(checked.out, /orders answered 500 at \/orders, so its headers were not looked at\./)
  assert.doesNotMatch(checked.out, /content-security-policy/)
})

test('check says of configured menus and fallbacks what a gateway would find at start', async (t) => {
  const cwd = await emptyDirectory(t)
  const file = (url: string) => `
services:
  desk:
    url: ${url}
    routes: [/desk, { path: /till, fallback: /desk }]
    fallback: /closed
    menu:
      main:
        - { endpoint: /desk, label: Desk }
        - { endpoint: /desk?till, label: Till, parent: /shop }
        - { endpoint: /orders, label: Orders }
        - { endpoint: 'javascript:alert(1)', label: x }
`
  await writeFile(join(cwd, 'mine.yaml'), file('http://127.0.0.1:1'))
  const alone = await runHydra(['check', 'mine.yaml'], { cwd })
  assert.equal(alone.status, 0, alone.err)
  assert.match(alone.out, /^▲ mine\.yaml is valid, with 5 warnings\.$/m)
  for (const said of [
    /▲ desk: "javascript:alert\(1\)" of menu "main" is left out/,
    /▲ desk: "\/desk\?till" of menu "main" stands at the top: "\/shop" is no item/,
    /▲ desk: "\/orders" of menu "main" leads nowhere/,
    /▲ The fallback of desk is never shown: \/closed is a page no service has\./,
    /▲ The fallback of desk at \/till is never shown: \/desk is its own page/,
  ])
    assert.match(alone.out, said)

  // Beside services that register themselves there is more to lead to, and to stand below.
  const { gateway } = await startShop(t)
  const words = ['check', 'mine.yaml', '--gateway', gateway.url, '--json']
  const { warnings } = JSON.parse((await runHydra(words, { cwd, env: keysOf(gateway) })).out)
  const ofMenus = warnings.filter((text: string) => text.startsWith('desk: '))
  assert.equal(ofMenus.length, 2, ofMenus.join('\n'))
  assert.match(ofMenus.join(), /javascript.*"\/orders" of menu "main" is left out: orders has an item/)
})

test('of a service that fails it is said how much, and why it is degraded', async (t) => {
  const { port } = await startUpstream(t, 'bad', (_, response) => void response.writeHead(500).end())
  const gateway = await startGateway(t, {
    health: { window: '1s', leastAnswers: 5 },
    services: { bad: { url: `http://127.0.0.1:${port}`, routes: ['/bad'] } },
  })
  const cwd = await emptyDirectory(t)
  await eventually(async () => {
    for (let i = 0; i < 8; i++) await fetch(`${gateway.url}/bad`)
    const { out } = await runHydra(['services', '--gateway', gateway.url], { cwd, env: keysOf(gateway) })
    assert.match(out, /▲ degraded {2}bad +1 of 1 +- +(\d+) +\1 +static/)
    assert.match(
      out.replaceAll(/\s+/g, ' '),
      /▲ bad is degraded: of the \d+ answers of the last 1 s \d+ failed\./,
    )
  })
})

test('check does not blame a service for headers of the gateway’s own error page', async (t) => {
  const { hydra } = await startShop(t, (request) => void request.socket.destroy())
  const checked = await hydra('check', '--strict')
  assert.equal(checked.status, 0, checked.out)
  assert.match(checked.out, /orders did not answer at \/orders: the gateway did \(HYDRA_UPSTREAM_BROKEN\)\./)
  assert.doesNotMatch(checked.out, /content-security-policy/)
})

test('check says why no services were asked, and is content when nobody named a gateway', async (t) => {
  const gateway = await startGateway(t)
  const cwd = await emptyDirectory(t)
  const check = async (env: Record<string, string>, ...words: string[]) => {
    const ran = await runHydra(['check', ...words], { cwd, env: { HYDRA_HOST: '127.0.0.1', ...env } })
    assert.equal(ran.status, 0, ran.err)
    return ran.out
  }
  const away = await check({ ...keysOf(gateway), PORT: '1' })
  assert.match(away, /^ {2}No gateway answers at http:\/\/127\.0\.0\.1:1, so no services were asked\.$/m)

  const { port } = new URL(gateway.url)
  const stranger = { HYDRA_PUBLIC_KEY: 'some-other-key-0', HYDRA_PRIVATE_KEY: 'some-other-key-1', PORT: port }
  const refused = `The gateway at http://127.0.0.1:${port} does not know these keys, so no services were asked.`
  assert.ok((await check(stranger)).includes(refused))
  const { gateway: asked, notAsked } = JSON.parse(await check(stranger, '--json'))
  assert.deepEqual([asked, notAsked], [undefined, [refused]])

  assert.match(
    await check({ PORT: port }),
    /There are no keys to ask a gateway with, so no services were asked/,
  )
})

test('check says everything that is wrong with a file, and starts nothing', async (t) => {
  const cwd = await emptyDirectory(t)
  await writeFile(join(cwd, 'mine.yaml'), 'port: 99999\nlogLevel: loud\nroutng: {}\n')
  const wrong = await runHydra(['check', 'mine.yaml'], { cwd, env: { HYDRA_CONTROL_PORT: 'x' } })
  assert.equal(wrong.status, 1)
  for (const at of ['port +line 1', 'logLevel +line 2', 'routng +line 3', 'HYDRA_CONTROL_PORT']) {
    assert.match(wrong.err, new RegExp(`^ {2}${at}$`, 'm'))
  }
  assert.match(wrong.err, /^✕ mine\.yaml has 4 problems\.$/m)
  // Whoever reloads has a gateway that runs, and wants to know what became of it.
  const reload = await runHydra(['reload', '--config', 'mine.yaml'], { cwd })
  assert.match(reload.err, /^✕ mine\.yaml has 3 problems\. The gateway goes on as it is\.$/m)
  await writeFile(join(cwd, 'mine.yaml'), 'port: 1\n')
  const keys = { HYDRA_PUBLIC_KEY: 'some-other-key-0', HYDRA_PRIVATE_KEY: 'some-other-key-1' }
  const moved = await runHydra(['reload', '--config', 'mine.yaml'], { cwd, env: keys })
  assert.equal(moved.status, 3)
  assert.match(
    moved.err,
    /No gateway answers at http:\/\/localhost:1 .*--gateway URL\. Was its port changed in the file\?/,
  )
  for (const words of [['mine.yaml'], ['--config', 'mine.yaml']]) {
    const right = await runHydra(['check', ...words], { cwd })
    assert.equal(right.status, 0, right.err)
    assert.match(right.out, /mine\.yaml is in order/)
  }
  const two = await runHydra(['check', 'mine.yaml', '--config', 'other.yaml'], { cwd })
  assert.equal(two.status, 2)
  assert.match(two.err, /one file can be checked at a time/)
  // The file is not called wrong for what stands in the environment.
  const around = await runHydra(['check', 'mine.yaml'], { cwd, env: { HYDRA_CONTROL_PORT: 'x' } })
  assert.match(around.err, /^✕ The configuration has a problem\.\n\n {2}HYDRA_CONTROL_PORT$/m)
})

test('a gateway that is away, one that does not know the keys, and no keys at all: each is said with a way out', async (t) => {
  const gateway = await startGateway(t)
  const cwd = await emptyDirectory(t)
  const away = await runHydra(['services', '--gateway', 'http://127.0.0.1:1'], { cwd, env: keysOf(gateway) })
  assert.equal(away.status, 3)
  assert.match(away.err, /No gateway answers at http:\/\/127\.0\.0\.1:1 \(ECONNREFUSED\).*hydra start/)
  const env = { HYDRA_PUBLIC_KEY: 'some-other-key-0', HYDRA_PRIVATE_KEY: 'some-other-key-1' }
  const stranger = await runHydra(['services', '--gateway', gateway.url], { cwd, env })
  assert.equal(stranger.status, 3)
  assert.match(stranger.err, /does not know these keys.*--gateway URL or HYDRA_GATEWAY/s)
  const nobody = await runHydra(['routes', '--gateway', gateway.url], { cwd })
  assert.equal(nobody.status, 3)
  assert.match(nobody.err, /Set HYDRA_PUBLIC_KEY and HYDRA_PRIVATE_KEY/)
  const { port } = await startUpstream(t, 'something else')
  const other = await runHydra(['services', '--gateway', `http://127.0.0.1:${port}`], { cwd, env })
  assert.equal(other.status, 3)
  const half = await startUpstream(t, 'half', (_request, response) => response.end('{"services":[{}]}'))
  const wrong = await runHydra(['services', '--gateway', `http://127.0.0.1:${half.port}`], { cwd, env })
  assert.equal(wrong.status, 3)
  assert.match(wrong.err, /not as a Hydra gateway would/)
})

test('whoever exported the public key for a service is let in with the private key that is kept beside it', async (t) => {
  const { gateway, cwd } = await startShop(t)
  const { HYDRA_PUBLIC_KEY, HYDRA_PRIVATE_KEY } = keysOf(gateway)
  const ask = () =>
    runHydra(['services', '--gateway', gateway.url], { cwd, env: { HYDRA_PUBLIC_KEY: HYDRA_PUBLIC_KEY! } })
  const half = await ask()
  assert.equal(half.status, 3)
  assert.match(half.err, /HYDRA_PUBLIC_KEY is set, but HYDRA_PRIVATE_KEY is not\. Set both .*; or unset it/)
  await mkdir(join(cwd, '.hydra'))
  const keep = (publicKey: string) =>
    writeFile(join(cwd, '.hydra/keys.json'), JSON.stringify({ publicKey, privateKey: HYDRA_PRIVATE_KEY }))
  await keep('of-another-gateway')
  assert.equal((await ask()).status, 3)
  await keep(HYDRA_PUBLIC_KEY!)
  const whole = await ask()
  assert.equal(whole.status, 0, whole.err)
})

test('the help of xray says for whom its link is', async (t) => {
  const { out } = await runHydra(['xray', '--help'], { cwd: await emptyDirectory(t) })
  assert.match(out, /pages\s+that are asked for as HTML \(Accept: text\/html\)/)
})

test('config shows what the gateway would use, and keys only when they are asked for', async (t) => {
  const cwd = await emptyDirectory(t)
  await writeFile(
    join(cwd, 'hydra.config.yaml'),
    'lease:\n  ttl: 2000\nservices:\n  orders: { url: http://x:1, routes: [/orders] }\n',
  )
  const env = { HYDRA_PUBLIC_KEY: 'public-key-of-ours', HYDRA_PRIVATE_KEY: 'private-key-of-ours' }
  const masked = await runHydra(['config'], { cwd, env })
  assert.equal(masked.status, 0, masked.err)
  assert.match(masked.out, /^ {2}ttl: 2s # hydra\.config\.yaml, line 2$/m)
  assert.match(masked.out, /^ {2}orders:\n {4}# hydra\.config\.yaml, line 4$/m)
  assert.match(masked.out, /^ {2}publicKey: publ… # HYDRA_PUBLIC_KEY$/m)
  assert.match(masked.out, /^workers: \d+$/m, 'what nobody set has no mark')
  assert.doesNotMatch(masked.out + masked.err, /of-ours/)
  const shown = JSON.parse((await runHydra(['config', '--show-keys', '--json'], { cwd, env })).out)
  assert.equal(shown.keys.privateKey, 'private-key-of-ours')

  await writeFile(join(cwd, 'again.json'), JSON.stringify(shown))
  const again = await runHydra(['config', '--show-keys', '--json', '--config', 'again.json'], { cwd })
  assert.deepEqual(JSON.parse(again.out), shown, 'what is shown can be used as a file')
})

test('a setting that came from a file of hydra-router says so; what check finds wrong there does not send to check', async (t) => {
  const cwd = await emptyDirectory(t)
  const env = { HYDRA_ROUTER_CONFIG: 'config.json' }
  await writeFile(join(cwd, 'config.json'), '{\n  "requestTimeout": 7\n}')
  const { out, err } = await runHydra(['config'], { cwd, env })
  assert.match(out, /^ {2}requestTimeout: 7s # requestTimeout in config\.json, line 2$/m)
  assert.match(err, /^Settings: no file, environment, config\.json of hydra-router, defaults\./)
  await writeFile(join(cwd, 'config.json'), '{"requestTimeout": "soon"}')
  const check = await runHydra(['check'], { cwd, env })
  assert.equal(check.status, 1)
  assert.match(check.err, /requestTimeout in config\.json/)
  assert.doesNotMatch(check.err, /hydra check/)
  assert.match((await runHydra(['config'], { cwd, env })).err, /Check again without starting: {2}hydra check/)
})

test('mistakes on the command line end with 2 and say what was probably meant', async (t) => {
  const cwd = await emptyDirectory(t)
  for (const [words, message] of [
    [['strat'], /did you mean "hydra start"/],
    [['services', 'froget'], /did you mean "hydra services forget"/],
    [['services', '--gatway', 'x'], /did you mean --gateway/],
    [['services', '--gateway', 'localhost'], /http:\/\/localhost:8080/],
  ] as const) {
    const { status, err } = await runHydra(words, { cwd })
    assert.equal(status, 2, words.join(' '))
    assert.match(err, message)
  }
  const unknown = await runHydra(['drain', '--help'], { cwd })
  assert.equal(unknown.status, 2, 'no help for what is no command')
  assert.match(unknown.err, /did you mean "hydra services drain"/)
  const help = await runHydra(['services', '--help'], { cwd })
  assert.equal(help.status, 0)
  assert.match(help.out, /--instances +List every instance/)
  assert.match((await runHydra(['--version'], { cwd })).out, /^\d+\.\d+\.\d+\n$/)
})

test('a configuration in TypeScript gets its types from defineConfig', async () => {
  const cwd = fileURLToPath(new URL('./typed-config/', import.meta.url))
  const { status, out, err } = await runHydra(['config', '--json'], { cwd })
  assert.equal(status, 0, err)
  assert.equal(JSON.parse(out).services.orders.urls[0].url, 'http://localhost:3002')
})
