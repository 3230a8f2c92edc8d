import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect as connectPlain } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { systemClock } from '../observe/clock.ts'
import { createLog } from '../observe/log.ts'
import { createManualClock } from '../observe/manual-clock.ts'
import { type Certificates, createCertificates } from './certificates.ts'
import { TlsError } from './pair.ts'
import { makeSelfSigned } from './self-signed.ts'
import { createTlsServer } from './server.ts'

const DAY = 24 * 3600 * 1000

async function directoryOf(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'hydra-certificates-'))
  t.after(() => rm(directory, { recursive: true }))
  return directory
}

async function writePair(directory: string, name: string, names: readonly string[], now = Date.now()) {
  const { cert, key } = await makeSelfSigned(names, now)
  const paths = { cert: join(directory, `${name}.crt`), key: join(directory, `${name}.key`) }
  await writeFile(paths.cert, cert)
  await writeFile(paths.key, key)
  return paths
}

function recorder() {
  const lines: Record<string, unknown>[] = []
  return { lines, log: createLog('debug', { write: (line) => void lines.push(JSON.parse(line)) }) }
}

/** A TLS server with these certificates that says nothing and listens. */
async function serve(t: TestContext, certificates: Certificates) {
  const { lines, log } = recorder()
  const refused: string[] = []
  const sockets: TLSSocket[] = []
  const server = createTlsServer({
    certificates,
    handshakeTimeoutMs: 500,
    onConnection: (socket) => {
      socket.on('error', () => {})
      socket.on('data', (bytes) => socket.write(bytes))
      sockets.push(socket)
    },
    onRefused: (reason) => void refused.push(reason),
    log,
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, lines, refused }
}

/** Connects and keeps the connection; `names` is what the certificate says it is for. */
async function visit(t: TestContext, port: number, servername?: string, ALPNProtocols?: string[]) {
  const socket = connect({
    port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ...(servername ? { servername } : {}),
    ...(ALPNProtocols ? { ALPNProtocols } : {}),
  })
  t.after(() => socket.destroy())
  await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
  return { socket, names: socket.getPeerCertificate().subjectaltname, protocol: socket.alpnProtocol }
}

async function until(what: string, isTrue: () => boolean): Promise<void> {
  const end = performance.now() + 5000
  while (!isTrue()) {
    if (performance.now() > end) throw new Error(`waited for: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

test('a visitor gets the certificate of the name he asks for, and the first one otherwise', async (t) => {
  const directory = await directoryOf(t)
  const certificates = createCertificates({
    sources: [
      await writePair(directory, 'main', ['shop.example']),
      await writePair(directory, 'wild', ['*.shop.example']),
      await writePair(directory, 'pay', ['pay.shop.example']),
    ],
    log: recorder().log,
    clock: systemClock,
  })
  t.after(certificates.close)
  const { port } = await serve(t, certificates)
  for (const [asked, got] of [
    ['shop.example', 'DNS:shop.example'],
    ['a.shop.example', 'DNS:*.shop.example'],
    ['pay.shop.example', 'DNS:pay.shop.example'],
    ['other.example', 'DNS:shop.example'],
    [undefined, 'DNS:shop.example'],
  ] as const) {
    assert.equal((await visit(t, port, asked)).names, got, asked ?? 'no name')
  }
})

test('HTTP/2 is agreed on with whoever speaks it, HTTP/1.1 with all others', async (t) => {
  const directory = await directoryOf(t)
  const certificates = createCertificates({
    sources: [await writePair(directory, 'main', ['localhost'])],
    log: recorder().log,
    clock: systemClock,
  })
  t.after(certificates.close)
  const { port } = await serve(t, certificates)
  assert.equal((await visit(t, port, undefined, ['http/1.1', 'h2'])).protocol, 'h2')
  assert.equal((await visit(t, port, undefined, ['http/1.1'])).protocol, 'http/1.1')
  assert.equal((await visit(t, port)).protocol, false)
  await assert.rejects(visit(t, port, undefined, ['spdy/3']))
})

test('a new certificate is shown to new visitors, and nobody who is there is sent away', async (t) => {
  const directory = await directoryOf(t)
  const sources = [
    await writePair(directory, 'main', ['old.example']),
    await writePair(directory, 'other', ['other.example']),
  ]
  const clock = createManualClock(Date.now())
  const { lines, log } = recorder()
  const certificates = createCertificates({ sources, log, clock, checkMs: 1000 })
  t.after(certificates.close)
  const { port } = await serve(t, certificates)
  const before = await visit(t, port)
  assert.equal(before.names, 'DNS:old.example')

  await writePair(directory, 'main', ['new.example'])
  await writePair(directory, 'other', ['another.example'])
  clock.advance(1000)
  assert.equal((await visit(t, port)).names, 'DNS:old.example', 'files that still change are not read')
  clock.advance(1000)
  assert.equal((await visit(t, port)).names, 'DNS:new.example')
  assert.equal((await visit(t, port, 'another.example')).names, 'DNS:another.example')
  assert.equal(lines.filter(({ msg }) => msg === 'certificate replaced').length, 2)

  let echoed = ''
  before.socket.on('data', (bytes) => {
    echoed += bytes
  })
  before.socket.write('still here')
  await until('an answer on the old connection', () => echoed === 'still here')
})

test('a certificate behind a symbolic link that is turned over is taken', async (t) => {
  const directory = await directoryOf(t)
  for (const [folder, name] of [
    ['..1', 'one.example'],
    ['..2', 'two.example'],
  ] as const) {
    await mkdir(join(directory, folder))
    await writePair(join(directory, folder), 'tls', [name])
  }
  await symlink('..1', join(directory, '..data'))
  const source = { cert: join(directory, '..data/tls.crt'), key: join(directory, '..data/tls.key') }
  const clock = createManualClock(Date.now())
  const certificates = createCertificates({ sources: [source], log: recorder().log, clock, checkMs: 1000 })
  const { port } = await serve(t, certificates)
  assert.equal((await visit(t, port)).names, 'DNS:one.example')
  await symlink('..2', join(directory, '..new'))
  await rename(join(directory, '..new'), join(directory, '..data'))
  clock.advance(2000)
  assert.equal((await visit(t, port)).names, 'DNS:two.example')
})

test('a broken pair replaces nothing, is said once, and a mended one is taken', async (t) => {
  const directory = await directoryOf(t)
  const source = await writePair(directory, 'main', ['good.example'])
  const next = await writePair(directory, 'next', ['mended.example'])
  const clock = createManualClock(Date.now())
  const { lines, log } = recorder()
  const certificates = createCertificates({ sources: [source], log, clock, checkMs: 1000 })
  const { port } = await serve(t, certificates)
  const errors = () => lines.filter(({ level }) => level === 'error').length

  await writeFile(source.cert, await readFile(next.cert))
  clock.advance(10_000)
  assert.equal((await visit(t, port)).names, 'DNS:good.example', 'the key does not belong to it')
  assert.equal(errors(), 1)
  await rm(source.cert)
  clock.advance(10_000)
  assert.equal((await visit(t, port)).names, 'DNS:good.example', 'the file is gone')
  assert.equal(errors(), 2)
  assert.equal(certificates.reload(), false)

  await writeFile(source.cert, await readFile(next.cert))
  await writeFile(source.key, await readFile(next.key))
  assert.equal(certificates.reload(), true)
  assert.equal((await visit(t, port)).names, 'DNS:mended.example')
})

test('what can’t be served with is refused at the start, in words that help', async (t) => {
  const directory = await directoryOf(t)
  const one = await writePair(directory, 'one', ['one.example'])
  const two = await writePair(directory, 'two', ['two.example'])
  const text = join(directory, 'text')
  await writeFile(text, 'hello')
  for (const [source, says] of [
    [{ cert: one.cert, key: two.key }, /does not belong/],
    [{ cert: join(directory, 'none.crt'), key: one.key }, /none\.crt can't be read \(ENOENT\)/],
    [{ cert: one.cert, key: join(directory, 'none.key') }, /none\.key can't be read \(ENOENT\)/],
    [{ cert: text, key: one.key }, /no certificate in PEM form in .*text/],
    [{ cert: one.cert, key: text }, /no private key in PEM form in .*text/],
    [{ cert: one.key, key: one.cert }, /no certificate/],
  ] as const) {
    assert.throws(
      () => createCertificates({ sources: [source], log: recorder().log, clock: createManualClock() }),
      (error) => error instanceof TlsError && says.test(error.message),
    )
  }
})

test('a certificate that has expired, or will soon, is pointed out', async (t) => {
  const directory = await directoryOf(t)
  const source = await writePair(directory, 'main', ['shop.example'])
  const warningsAt = (now: number) =>
    createCertificates({ sources: [source], log: recorder().log, clock: createManualClock(now) }).warnings
  assert.deepEqual(warningsAt(Date.now()), [])
  assert.match(warningsAt(Date.now() + 360 * DAY)[0]!, /expires on/)
  assert.match(warningsAt(Date.now() + 370 * DAY)[0]!, /expired on/)
  assert.match(warningsAt(Date.now() - 2 * DAY)[0]!, /not valid before/)
})

test('plain HTTP at the TLS port is a line in the log, and others are served on', async (t) => {
  const directory = await directoryOf(t)
  const certificates = createCertificates({
    sources: [await writePair(directory, 'main', ['localhost'])],
    log: recorder().log,
    clock: systemClock,
  })
  t.after(certificates.close)
  const { port, lines, refused } = await serve(t, certificates)
  const plain = connectPlain({ port, host: '127.0.0.1' })
  t.after(() => plain.destroy())
  plain.on('error', () => {})
  plain.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await until('the line', () => lines.some(({ msg }) => msg === 'plain HTTP at a port that speaks TLS'))
  await until('its end', () => plain.closed)
  const garbage = connectPlain({ port, host: '127.0.0.1' })
  t.after(() => garbage.destroy())
  garbage.on('error', () => {})
  garbage.write(Buffer.alloc(64, 0xff))
  const silent = connectPlain({ port, host: '127.0.0.1' })
  t.after(() => silent.destroy())
  silent.on('error', () => {})
  await until('all of them to be told apart', () => refused.length === 3)
  assert.deepEqual([...refused].sort(), ['plain-http', 'tls-handshake', 'tls-timeout'])
  assert.equal((await visit(t, port)).names, 'DNS:localhost')
})

test('a second handshake on a connection is refused, after a reload as well', async (t) => {
  const directory = await directoryOf(t)
  const source = await writePair(directory, 'main', ['localhost'])
  const certificates = createCertificates({ sources: [source], log: recorder().log, clock: systemClock })
  t.after(certificates.close)
  const { port } = await serve(t, certificates)
  const renegotiated = async (servername: string) => {
    const socket = connect({
      ...{ port, host: '127.0.0.1', servername, rejectUnauthorized: false, maxVersion: 'TLSv1.2' as const },
    })
    t.after(() => socket.destroy())
    await new Promise((resolve) => socket.once('secureConnect', resolve))
    return new Promise<string>((resolve) => {
      socket.once('error', () => resolve('refused'))
      socket.renegotiate({}, (error) => resolve(error ? 'refused' : 'done'))
    })
  }
  assert.deepEqual([await renegotiated('localhost'), await renegotiated('')], ['refused', 'refused'])
  await writePair(directory, 'main', ['localhost'])
  assert.equal(certificates.reload(), true)
  assert.deepEqual([await renegotiated('localhost'), await renegotiated('')], ['refused', 'refused'])
})
