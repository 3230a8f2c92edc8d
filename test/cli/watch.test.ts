import assert from 'node:assert/strict'
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { openEventStream } from '../support/event-stream.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { bareEnv, emptyDirectory, HYDRA, runHydra } from '../support/hydra.ts'
import { findProgram } from '../support/programs.ts'

interface Watching {
  readonly child: ChildProcessWithoutNullStreams
  out(): string
  err(): string
  /** Resolves with its exit status. */
  readonly exited: Promise<number | null>
}

async function startWatch(
  t: TestContext,
  { url, publicKey, privateKey }: TestGateway,
  words: readonly string[] = [],
  { command = process.execPath, args = [HYDRA, 'watch', '--gateway', url, ...words] } = {},
): Promise<Watching> {
  const cwd = await emptyDirectory(t)
  const env = { HYDRA_PUBLIC_KEY: publicKey, HYDRA_PRIVATE_KEY: privateKey, TERM: 'xterm-256color' }
  const child = spawn(command, args, { cwd, env: bareEnv(env) })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text) => (err += text))
  const exited = once(child, 'exit').then(([status]) => status as number | null)
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await exited
  })
  return { child, out: () => out, err: () => err, exited }
}

let ports = 10
async function register(
  { discovery }: Pick<TestGateway, 'discovery'>,
  name: string,
  hasMenu = true,
): Promise<void> {
  const menuItems = hasMenu ? { main: [{ endpoint: `/${name}`, label: name }] } : {}
  const bean = {
    name,
    host: '127.0.0.1',
    port: ++ports,
    version: '3.1.2',
    endpoints: [`/${name}`],
    staticResources: [],
    menuItems,
  }
  const response = await fetch(`${discovery}/registration`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(bean),
  })
  assert.equal(response.status, 200)
}

const LONG = { lease: { ttl: '60s' } } as const

test('in a pipe each event is one plain line', async (t) => {
  const gateway = await startGateway(t, { lease: { ttl: '1s', check: '50ms' } })
  const { out } = await startWatch(t, gateway)
  await eventually(async () => {
    await register(gateway, 'probe', false)
    assert.match(out(), / probe /)
  }, 10_000)
  await register(gateway, 'orders')
  await eventually(() => assert.match(out(), / down orders [\s\S]* menu main changed: .*\/orders/), 10_000)
  const lines = out()
    .split('\n')
    .filter((line) => line.includes('orders'))
    .map((line) => line.replace(/^\S+Z /, '').replace(/ [0-9a-f]{8} /, ' ID '))
  assert.deepEqual(lines, [
    'available orders 3.1.2 ID it registered',
    'routes orders added /orders, /orders/socket',
    'menu main changed: /orders',
    'down orders 3.1.2 ID lease ran out after 1 s',
    'menu main changed: /orders',
  ])
  for (const line of out().trim().split('\n'))
    assert.match(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \w+ /)
})

test('with --json each event is one object, and --kinds leaves what was asked for', async (t) => {
  const gateway = await startGateway(t, LONG)
  const { out } = await startWatch(t, gateway, ['--json', '--kinds', 'service,menu'])
  let probes = 0
  await eventually(async () => {
    await register(gateway, `probe${++probes}`)
    assert.notEqual(out(), '')
  }, 10_000)
  await register(gateway, 'orders')
  await eventually(() => assert.match(out(), /"\/orders"/))
  const events = out()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.deepEqual([...new Set(events.map(({ kind }) => kind))].sort(), ['menu', 'service'])
  const orders = events.find(({ service }) => service === 'orders')
  assert.equal(orders.state, 'available')
  assert.match(orders.instance, /^[0-9a-f]{32}/)
})

test('a gateway that goes away is named, waited for, and followed again', async (t) => {
  const port = await freePort()
  const keys = { publicKey: `pub${'a'.repeat(24)}`, privateKey: 'b'.repeat(48) }
  const first = await startGateway(t, { port, keys, ...LONG })
  const { out, err } = await startWatch(t, first)
  let probes = 0
  await eventually(async () => {
    await register(first, `probe${++probes}`)
    assert.notEqual(out(), '')
  }, 10_000)
  await first.close()
  await eventually(() => assert.match(err(), /is away \(/), 10_000)
  const second = await startGateway(t, { port, keys, ...LONG })
  await register(second, 'orders')
  await eventually(() => assert.match(err(), /was started again/), 10_000)
  await eventually(() => assert.match(out(), / available orders /))
  assert.equal(err().match(/is away/g)?.length, 1)
})

test('it ends when nobody reads it any more', async (t) => {
  const gateway = await startGateway(t, LONG)
  const { child, out, exited } = await startWatch(t, gateway)
  let probes = 0
  await eventually(async () => {
    await register(gateway, `probe${++probes}`)
    assert.notEqual(out(), '')
  }, 10_000)
  child.stdout.destroy()
  let isOver = false
  void exited.then(() => (isOver = true))
  await eventually(async () => {
    await register(gateway, `more${++probes}`)
    assert.ok(isOver)
  }, 10_000)
  assert.equal(await exited, 0)
})

test('what can not be followed is said in a sentence', async (t) => {
  const gateway = await startGateway(t, { events: { maxReaders: 1 } })
  const cwd = await emptyDirectory(t)
  const env = { HYDRA_PUBLIC_KEY: gateway.publicKey, HYDRA_PRIVATE_KEY: gateway.privateKey }
  const watch = (words: readonly string[], more = {}) =>
    runHydra(['watch', '--gateway', gateway.url, ...words], { cwd, env: { ...env, ...more } })

  const slip = await watch(['--kinds', 'servce'])
  assert.equal(slip.status, 2)
  assert.match(slip.err, /--kinds knows no "servce"; did you mean service\?/)
  const stranger = await watch([], { HYDRA_PRIVATE_KEY: 'x'.repeat(32) })
  assert.equal(stranger.status, 3)
  assert.match(stranger.err, /does not know these keys/)
  const nobody = await runHydra(['watch', '--gateway', 'http://127.0.0.1:1'], { cwd, env })
  assert.equal(nobody.status, 3)
  assert.match(nobody.err, /No gateway answers at http:\/\/127\.0\.0\.1:1/)

  await openEventStream(t, gateway)
  const second = await watch([])
  assert.equal(second.status, 1)
  assert.match(second.err, /1 read these events already \(events\.maxReaders\)/)
})

test('at a terminal it opens with how things are, obeys keys, and gives the terminal back', async (t) => {
  const script = await findProgram('script')
  if (!script) return t.skip('there is no program that makes terminals (script)')
  const gateway = await startGateway(t, LONG)
  await register(gateway, 'shop')
  const line = `stty cols 90; ${process.execPath} ${HYDRA} watch --gateway ${gateway.url}; stty -a`
  const { child, out, exited } = await startWatch(t, gateway, [], {
    command: script,
    args: ['-qec', line, '/dev/null'],
  })
  await eventually(
    () => assert.match(out(), /watching .*[\s\S]*The only service serves\.[\s\S]*quit/),
    10_000,
  )
  await register(gateway, 'orders')
  await eventually(() =>
    assert.match(out(), /\u001b\[32m● available\u001b\[0m {3}orders +3\.1\.2 {2}\w{8} {2}it registered/),
  )
  child.stdin.write(' ')
  await eventually(() => assert.match(out(), /paused, 0 lines wait/))
  child.stdin.write('q')
  assert.equal(await exited, 0)
  assert.match(out(), /[^-]icanon/)
})
