import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { test } from 'node:test'
import { until } from '../../../../test/support/eventually.ts'
import { systemClock } from '../observe/clock.ts'
import { createVitals } from '../routing/vitals.ts'
import { createProber, type Probed } from './probe.ts'

const settings = { everyMs: 15, timeoutMs: 200 }

async function listen(port = 0): Promise<{ server: Server; port: number; connections: () => number }> {
  let count = 0
  const server = createServer((socket) => {
    count++
    socket.on('error', () => {})
    socket.resume()
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port, connections: () => count }
}
/** A port that refuses connections. */
async function closedPort(): Promise<number> {
  const { server, port } = await listen()
  server.close()
  await once(server, 'close')
  return port
}
const at = (id: string, port: number, always = false): Probed => ({
  id,
  address: { host: '127.0.0.1', port },
  always,
})

function prober(t: { after(run: () => void): void }) {
  const vitals = createVitals()
  const made = createProber({ clock: systemClock, vitals, settings })
  t.after(made.stop)
  return { vitals, ...made }
}

test('an instance that refused connections is back as soon as it listens again', async (t) => {
  const { vitals, watch } = prober(t)
  const port = await closedPort()
  watch(at('a', port))
  vitals.rest('a')
  const { server, connections } = await listen(port)
  t.after(() => server.close())
  await until(() => !vitals.of('a').resting, 'it did not come back')
  assert.equal(connections(), 1)
})

test('an instance that serves and has a heartbeat is left alone', async (t) => {
  const { vitals, watch } = prober(t)
  const [quiet, resting] = [await listen(), await listen()]
  t.after(() => quiet.server.close() && resting.server.close())
  watch(at('quiet', quiet.port))
  for (let i = 0; i < 3; i++) {
    vitals.rest('other')
    watch(at('other', resting.port))
    await until(() => !vitals.of('other').resting, 'the other one was not probed')
  }
  assert.equal(quiet.connections(), 0)
})

test('a static instance leaves when its process dies and returns with it', async (t) => {
  const { vitals, watch } = prober(t)
  const { server, port } = await listen()
  watch(at('static', port, true))
  server.close()
  await until(() => vitals.of('static').resting, 'it was not taken out')
  const again = await listen(port)
  t.after(() => again.server.close())
  await until(() => !vitals.of('static').resting, 'it did not come back')
})

test('a static instance that is not there is known to be down before the first request', async (t) => {
  const vitals = createVitals()
  // An hour between probes: what is seen is the first one.
  const { watch, stop } = createProber({ clock: systemClock, vitals, settings: { everyMs: 3_600_000 } })
  t.after(stop)
  watch(at('static', await closedPort(), true))
  await until(() => vitals.of('static').resting, 'it was not probed at once')
})

test('an instance that is forgotten or moved during its probe is not judged by it', async (t) => {
  const vitals = createVitals()
  const answers: ((isThere: boolean) => void)[] = []
  const { watch, unwatch, stop } = createProber({
    clock: systemClock,
    vitals,
    connect: () => new Promise((resolve) => answers.push(resolve)),
    settings: { everyMs: 3_600_000 },
  })
  t.after(stop)
  watch(at('gone', 1, true))
  watch(at('moved', 1, true))
  unwatch('gone')
  watch(at('moved', 2, true))
  answers[0]!(false)
  answers[1]!(false)
  await new Promise(setImmediate)
  assert.deepEqual([vitals.of('gone').resting, vitals.of('moved').resting], [false, false])
  answers[2]!(false)
  await new Promise(setImmediate)
  assert.equal(vitals.of('moved').resting, true)
})

test('many instances that hang are probed a few at a time, each once', async (t) => {
  const answers: ((isThere: boolean) => void)[] = []
  let now = 0
  let most = 0
  const vitals = createVitals()
  const { watch, stop } = createProber({
    clock: systemClock,
    vitals,
    connect: async () => {
      most = Math.max(most, ++now)
      const isThere = await new Promise<boolean>((resolve) => answers.push(resolve))
      now--
      return isThere
    },
    settings: { everyMs: 5, atOnce: 4 },
  })
  t.after(stop)
  for (let i = 0; i < 20; i++) watch(at(`i${i}`, 1, true))
  let done = 0
  while (done < 20) {
    await until(() => answers.length > 0, 'the next one did not begin')
    answers.shift()!(false)
    done++
  }
  assert.equal(most, 4)
  await until(
    () => Array.from({ length: 20 }, (_, i) => vitals.of(`i${i}`)).every(({ resting }) => resting),
    'one was left out',
  )
})

test('a beat can be asked for its proof', async (t) => {
  const { probeNow } = prober(t)
  const { server, port } = await listen()
  t.after(() => server.close())
  assert.equal(await probeNow({ host: '127.0.0.1', port }), true)
  assert.equal(await probeNow({ host: '127.0.0.1', port: await closedPort() }), false)
})

test('a gateway that was busy for a moment does not take its instances for dead', async (t) => {
  const { server, port } = await listen()
  t.after(() => server.close())
  const { probeNow, stop } = createProber({
    clock: systemClock,
    vitals: createVitals(),
    settings: { timeoutMs: 20 },
  })
  t.after(stop)
  const answer = probeNow({ host: '127.0.0.1', port })
  for (const until = performance.now() + 60; performance.now() < until; );
  assert.equal(await answer, true)
})

test('a process that is stopped and takes no connections is away after the timeout', async (t) => {
  const script = `const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(server.address().port))`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const [line] = await once(child.stdout, 'data')
  child.kill('SIGSTOP')
  // The system accepts a few in its place; then its queue is full.
  const fillers = Array.from({ length: 8 }, () => connect(Number(line), '127.0.0.1').on('error', () => {}))
  t.after(() => {
    for (const filler of fillers) filler.destroy()
  })
  const { probeNow } = prober(t)
  const began = performance.now()
  await until(
    async () => !(await probeNow({ host: '127.0.0.1', port: Number(line) })),
    'it took every connection',
  )
  // a timer may be a little early by another clock than its own
  assert.ok(performance.now() - began >= settings.timeoutMs - 10)
})
