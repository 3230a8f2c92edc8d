import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import pino from 'pino'
import { type AccessLogDeps, createAccessLog } from './access-log.ts'
import { systemClock } from './clock.ts'
import { createLog } from './log.ts'
import { createManualClock } from './manual-clock.ts'

const ID = '01JD4Z8QG7E9X2K5M3N6P0R1ST'

/** What an exchange is to the log, with an ordinary one as default. */
interface Facts {
  exchange: string
  method: string
  path: string
  status: number
  aborted?: boolean
  service: string | undefined
  instance: string | undefined
  durationMs: number
  attempts: number
  client: string
  trace?: string
  tracer?: string
}

const ordinary: Facts = {
  exchange: ID,
  method: 'GET',
  path: '/orders/7',
  status: 200,
  service: 'orders',
  instance: '0b0d2c3e-5f3c-4a51-9d0e-6a6f2a6b7c8d',
  durationMs: 4.32,
  attempts: 1,
  client: '192.0.2.7',
}

function open(more: Partial<AccessLogDeps> = {}) {
  const clock = createManualClock(Date.UTC(2026, 10, 20, 14, 3, 27, 5))
  const batches: string[] = []
  const log = createAccessLog({
    write(text) {
      batches.push(text.toString())
      return true
    },
    isOn: () => true,
    clock,
    ...more,
  })
  const record = (facts: Partial<Facts> = {}) => {
    const f: Facts = { ...ordinary, ...facts }
    log.record(
      f.exchange,
      f.method,
      f.path,
      f.status,
      f.aborted === true,
      f.service,
      f.instance,
      f.durationMs,
      f.attempts,
      f.client,
      f.trace,
      f.tracer,
    )
  }
  const lines = () => batches.join('').split('\n').slice(0, -1)
  return { ...log, clock, batches, lines, record }
}

/** The line pino writes for the same facts, byte for byte. */
function pinoLine({ durationMs, ...facts }: Facts, timeMs: number): string {
  let line = ''
  const log = pino(
    {
      base: undefined,
      timestamp: () => `,"time":"${new Date(timeMs).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (text: string) => void (line += text) },
  )
  const { exchange, method, path, status, aborted, service, instance, attempts, client, trace, tracer } =
    facts
  log.info(
    {
      ...{ exchange, method, path, status },
      ...(aborted ? { aborted } : {}),
      ...{ service, instance, durationMs: Math.round(durationMs * 100) / 100, attempts, client },
      ...(trace ? { trace } : {}),
      ...(tracer ? { tracer } : {}),
    },
    'exchange',
  )
  return line
}

test('a line is what the log itself would write for the exchange, byte for byte', () => {
  const cases: Partial<Facts>[] = [
    {},
    { service: undefined, instance: undefined, status: 404, attempts: 0 },
    { instance: undefined, status: 503 },
    { aborted: true, status: 0 },
    { trace: '4bf92f3577b34da6a3ce929d0e0e4736' },
    { tracer: '1x7k2m9q0z' },
    { trace: '4bf92f3577b34da6a3ce929d0e0e4736', tracer: '1x7k2m9q0z' },
    { path: '/with"quote' },
    { path: '/back\\slash' },
    { path: '/line\nfeed\u0000\u001f' },
    { path: '/größe/\u{1f40d}' },
    { path: `/${'x'.repeat(8000)}` },
    { service: 'bücher "neu"', instance: 'a\\b' },
    { client: '2001:db8::1' },
    { client: 'fe80::1%eth"0' },
    { exchange: 'from "another" proxy' },
    ...[0, 0.001, 0.004, 0.005, 0.1, 0.05, 1, 9.99, 10, 12.3, 99.995, 100, 1234.5, 86_400_000.25].map(
      (durationMs) => ({ durationMs }),
    ),
    ...[9, 10, 11, 99, 100, 101, 999, 1000].map((attempts) => ({ attempts })),
  ]
  for (const facts of cases) {
    const { record, flush, batches, clock } = open()
    record(facts)
    flush()
    assert.equal(batches.join(''), pinoLine({ ...ordinary, ...facts }, clock.now()))
  }
})

test('each line has the time it was made at', () => {
  const { record, flush, lines, clock } = open()
  const expected: string[] = []
  for (const step of [0, 1, 9, 90, 895, 1, 59_000, 3_600_000, 0.5]) {
    clock.advance(step)
    expected.push(new Date(clock.now()).toISOString())
    record()
  }
  flush()
  assert.deepEqual(
    lines().map((line) => JSON.parse(line).time),
    expected,
  )
})

test('who is mistaken for another because of an id is not in the log', () => {
  const { record, flush, lines } = open()
  record({ service: 'orders', instance: 'a' })
  record({ service: 'books', instance: 'a' })
  record({ service: 'orders', instance: undefined })
  record({ service: 'orders', instance: '' })
  flush()
  assert.deepEqual(
    lines().map((line) => [JSON.parse(line).service, JSON.parse(line).instance]),
    [
      ['orders', 'a'],
      ['books', 'a'],
      ['orders', undefined],
      ['orders', ''],
    ],
  )
})

test('a key in a path is hidden before the line is made', () => {
  const { record, flush, lines } = open({ maskPath: (path) => path.replace('secret', 'secr…') })
  record({ path: '/h/discovery/secret/keys' })
  flush()
  assert.equal(JSON.parse(lines()[0]!).path, '/h/discovery/secr…/keys')
})

test('the first line after a pause is seen at once, those behind it together with the next tick', async () => {
  const { record, batches, clock } = open()
  record()
  record()
  assert.equal(batches.length, 0)
  await turn()
  assert.equal(batches.length, 1)
  record()
  clock.advance(50)
  record()
  await turn()
  assert.equal(batches.length, 1)
  clock.advance(50)
  assert.equal(batches.length, 2)
  assert.equal(batches.join('').split('\n').length - 1, 4)
  clock.advance(500)
  record()
  await turn()
  assert.equal(batches.length, 3)
})

test('a full batch does not wait for the tick', async () => {
  const { record, batches, lines } = open({ maxBytes: 1000 })
  for (let i = 0; i < 40; i++) record()
  assert.ok(batches.length >= 8)
  assert.ok(batches.every((batch) => batch.length < 1000 + 300))
  await turn()
  assert.equal(lines().length, 40)
})

test('no line is too long: of a path beyond all measure the beginning is shown', () => {
  const { record, flush, lines } = open()
  record({ path: '\u0001'.repeat(1_000_000) })
  record()
  flush()
  assert.equal(JSON.parse(lines()[0]!).path, '\u0001'.repeat(1024))
  assert.equal(JSON.parse(lines()[1]!).path, '/orders/7')
})

test('while nobody wants to know, nothing is written', async () => {
  let isOn = false
  const { record, batches } = open({ isOn: () => isOn })
  record()
  await turn()
  assert.equal(batches.length, 0)
  isOn = true
  record()
  await turn()
  assert.equal(batches.length, 1)
})

test('what waits is written when the log is closed, and nothing after that', async () => {
  const { record, close, lines, clock } = open()
  record()
  await turn()
  record()
  close()
  close()
  record()
  clock.advance(1000)
  await turn()
  assert.equal(lines().length, 2)
})

test('a destination that stands still costs a buffer, then lines, which are counted and told of', async () => {
  let takes = false
  let asked = 0
  let dropped = 0
  const taken: string[] = []
  const { record, clock } = open({
    write(text) {
      asked++
      if (takes) taken.push(text.toString())
      return takes
    },
    onDropped: (lines) => void (dropped += lines),
  })
  for (let i = 0; i < 10_000; i++) record()
  assert.ok(dropped > 9_000 && dropped < 10_000, `${dropped} lines lost`)
  assert.equal(asked, 1)
  await turn()
  clock.advance(1000)
  assert.ok(asked > 5 && asked < 15, 'it is asked again once per tick')
  takes = true
  clock.advance(100)
  await turn()
  const lines = taken
    .join('')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
  assert.equal(lines.filter(({ msg }) => msg === 'exchange').length, 10_000 - dropped)
  const loss = lines.at(-1)
  assert.deepEqual([loss.level, loss.lines], ['warn', dropped])
  record()
  clock.advance(100)
  await turn()
  assert.match(taken.at(-1)!, /"msg":"exchange"/)
})

test('what a closed log could not write any more is counted', () => {
  let dropped = 0
  const { record, close } = open({ write: () => false, onDropped: (lines) => void (dropped += lines) })
  record()
  record()
  close()
  assert.equal(dropped, 2)
})

test('lines of the access log and of the log stand in one file, and the flush at the end takes both', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'hydra-log-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const file = join(directory, 'log')
  const destination = pino.destination({ dest: file, sync: false, mkdir: true })
  await once(destination, 'ready')
  const log = createLog('info', destination)
  const access = createAccessLog({
    write: log.rawBytes,
    isOn: () => log.isLevelEnabled('info'),
    clock: systemClock,
  })
  const end = log.onFlush(access.flush)
  for (let i = 0; i < 2000; i++) {
    access.record(ID, 'GET', `/${i}`, 200, false, 'orders', 'i1', 1, 1, '192.0.2.7', undefined, undefined)
  }
  log.warn('between')
  log.flushSync()
  end()
  // A write that was under way is finished by the system, perhaps behind what the flush wrote.
  let lines: string[] = []
  while (lines.length < 2001) {
    await turn()
    lines = (await readFile(file, 'utf8')).split('\n').slice(0, -1)
  }
  const exchanges = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'exchange')
  assert.deepEqual(
    new Set(exchanges.map(({ path }) => path)),
    new Set(Array.from({ length: 2000 }, (_, i) => `/${i}`)),
  )
  assert.equal(lines.length, 2001)
})

test('a destination that is no stream is given one line a call', async () => {
  const calls: string[] = []
  const log = createLog('info', { write: (line: string) => void calls.push(line) })
  log.raw('{"a":1}\n{"b":2}\n{"c":3}\n')
  log.child({ x: 1 }).raw('{"d":4}\n')
  assert.deepEqual(calls, ['{"a":1}\n', '{"b":2}\n', '{"c":3}\n', '{"d":4}\n'])
})

test('a reader that stopped reading does not make the log grow for ever', () => {
  const stream = new PassThrough({ highWaterMark: 1024 })
  const log = createLog('info', stream)
  const batch = `${'x'.repeat(64 * 1024)}\n`
  let taken = 0
  while (taken < 1000 && log.raw(batch)) taken++
  assert.ok(taken > 10 && taken < 100, `${taken} batches of 64 KB were taken`)
  stream.resume()
  assert.ok(stream.readableFlowing)
})

test('a pipe nobody reads stops taking batches, and takes them again once it is read', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'hydra-log-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const { execFileSync } = await import('node:child_process')
  const fifo = join(directory, 'pipe')
  execFileSync('mkfifo', [fifo])
  const reader = createReadStream(fifo)
  reader.pause()
  const opener = createWriteStream(fifo)
  await once(opener, 'open')
  const destination = pino.destination({ dest: fifo, sync: false })
  await once(destination, 'ready')
  t.after(() => {
    reader.destroy()
    opener.destroy()
    destination.destroy()
  })
  const log = createLog('info', destination)
  const batch = `${'x'.repeat(64 * 1024)}\n`
  let taken = 0
  while (taken < 1000 && log.raw(batch)) taken++
  assert.ok(taken > 10 && taken < 100, `${taken} batches of 64 KB were taken`)
  assert.equal(log.raw(batch), false)
  reader.resume()
  await once(destination, 'drain')
  assert.equal(log.raw(batch), true)
  await once(destination, 'drain')
})
