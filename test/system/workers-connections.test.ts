/**
 * Connections that stay, at a gateway with workers: WebSockets, HTTP/2, certificates that change, a reload under load,
 * and what all of them are told at a stop.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFileSync, readdirSync, readFileSync } from 'node:fs'
import { type ClientHttp2Session, connect as connectHttp2, constants } from 'node:http2'
import { type TestContext, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { fileURLToPath } from 'node:url'
import {
  type ConfigInput,
  createLog,
  openCertificates,
  parseConfig,
  systemClock,
} from '@hydra-gateway/gateway'
import { eventually } from '../support/eventually.ts'
import { startGateway } from '../support/gateway.ts'
import { startLoad } from '../support/load.ts'
import { startProcess } from '../support/process.ts'
import { makeCertificate } from '../support/redis.ts'
import { startUpstream } from '../support/upstream.ts'
import { openWebSockets } from '../support/websockets.ts'

const SOCKETS = fileURLToPath(new URL('../support/services/sockets.ts', import.meta.url))
const keys = { publicKey: 'public-key-of-this-test', privateKey: 'private-key-of-this-test' }
/** Workers write their log to where this process does. */
const common = { workers: 2, logLevel: 'error', keys, port: 0, host: '127.0.0.1' } as const

/** A gateway with two workers, whose configuration is read again. */
async function startWorkers(t: TestContext, config: ConfigInput, ports: object = {}) {
  const http = { stopGrace: 3000, stopIdle: 0 }
  let next = config
  const readConfig = async () => ({
    config: parseConfig({ ...common, ...next, http: { ...http, ...next.http } }),
    warnings: [],
  })
  const gateway = await startGateway(t, { ...common, ...config, http }, { readConfig, ...ports })
  return {
    gateway,
    async reload(more: ConfigInput = {}) {
      next = { ...config, ...more }
      return (await gateway.reload()).changed
    },
  }
}

/** Open files of each worker. */
function filesOfWorkers(): number[] {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim().split(' ')
  return children
    .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('worker-main'))
    .map((pid) => readdirSync(`/proc/${pid}/fd`).length)
}

test('a reload reaches the workers, whose requests run on and fail nowhere', async (t) => {
  const { port } = await startUpstream(t, 'shop', (request, response) => {
    request
      .resume()
      .on('end', () => setTimeout(() => response.end(String(request.headers['x-forwarded-for'])), 3))
  })
  const services = { shop: { url: `http://127.0.0.1:${port}`, routes: ['/**'] } }
  const { gateway, reload } = await startWorkers(t, { services })
  const ask = async (body = 'x', headers = {}) => {
    const response = await fetch(`${gateway.url}/x`, { method: 'POST', body, headers })
    return {
      status: response.status,
      text: await response.text(),
      timing: response.headers.has('server-timing'),
    }
  }
  const load = startLoad(t, async () => String((await ask()).status))
  await load.more('200', 50)
  const big = 'x'.repeat(2000)
  assert.deepEqual([(await ask(big)).status, (await ask()).timing], [200, true])
  const changed = await reload({
    http: { maxBodyBytes: 1000, serverTiming: false },
    routing: { balance: 'round-robin' },
    health: { slow: '9s' },
    logLevel: 'fatal',
  })
  assert.equal(changed.length, 5, changed.join())
  // Of either worker, from the answer on.
  for (let at = 0; at < 8; at++) {
    const { status, timing } = await ask()
    assert.deepEqual([(await ask(big)).status, status, timing], [413, 200, false])
  }
  for (let at = 0; at < 3; at++) {
    await reload({ http: { maxBodyBytes: 5000 + at } })
    await load.more('200', 10)
  }
  await load.stop()
  assert.deepEqual([...load.outcomes.keys()], ['200'])
  assert.equal(gateway.lines.filter(({ msg }) => msg === 'worker serves').length, 2, 'nobody was replaced')
})

test('WebSockets run through both workers, and at a stop are told one after the other to come back', async (t) => {
  const service = startProcess(t, { args: [SOCKETS] })
  const [, port] = await service.printed(/port (\d+)/)
  const services = { live: { url: `http://127.0.0.1:${port}`, sockets: ['/live'] } }
  const { gateway } = await startWorkers(t, { services })
  const before = filesOfWorkers()
  const sockets = await openWebSockets(t, { port: gateway.port, path: '/live', count: 400, atOnce: 25 })
  const [one, other] = filesOfWorkers().map((files, at) => files - before[at]!) as [number, number]
  assert.ok(one > 0 && other > 0 && one + other >= 800, `${one} and ${other} files`)
  for (const socket of sockets) assert.equal(await socket.ask('hello'), 'hello')
  const closed = () => sockets.filter(({ isClosed }) => isClosed).length
  const stopped = gateway.close()
  await eventually(() => assert.ok(closed() > 0), 5000, 5)
  const from = performance.now()
  assert.ok(closed() < 300, `${closed()} at once`)
  await eventually(() => assert.equal(closed(), 400), 5000, 5)
  assert.ok(performance.now() - from > 300)
  await stopped
})

test('HTTP/2, certificates that change, and a stop that lets streams finish, with workers', async (t) => {
  const { port } = await startUpstream(t, 'shop', (_request, response) => {
    response.write('begun ')
    setTimeout(() => response.end('done'), 400)
  })
  const [first, second] = [makeCertificate(t), makeCertificate(t)]
  const tls = { cert: first.certFile, key: first.keyFile }
  const config = { tls, services: { shop: { url: `http://127.0.0.1:${port}`, routes: ['/**'] } } }
  const { certificates } = await openCertificates({
    tls: [tls],
    directory: '',
    hostname: '',
    log: createLog('silent'),
    clock: systemClock,
  })
  t.after(() => certificates.close())
  const { gateway, reload } = await startWorkers(t, config, { certificates })
  const openSession = async (): Promise<ClientHttp2Session> => {
    const session = connectHttp2(`https://127.0.0.1:${gateway.port}`, { rejectUnauthorized: false })
    t.after(() => session.destroy())
    session.on('error', () => {})
    await once(session, 'connect')
    return session
  }
  const ask = (session: ClientHttp2Session): Promise<string> =>
    new Promise((resolve, reject) => {
      let text = ''
      session
        .request({ ':path': '/x' })
        .on('error', reject)
        .setEncoding('utf8')
        .on('data', (more) => {
          text += more
        })
        .on('end', () => resolve(text))
    })
  const shown = () =>
    new Promise<string>((resolve, reject) => {
      const socket = connectTls({ port: gateway.port, host: '127.0.0.1', rejectUnauthorized: false })
      socket.on('error', reject)
      socket.on('secureConnect', () => {
        resolve(socket.getPeerX509Certificate()!.toString())
        socket.destroy()
      })
    })
  const sessions = await Promise.all(Array.from({ length: 6 }, openSession))
  assert.deepEqual(new Set(await Promise.all(sessions.map(ask))), new Set(['begun done']))
  assert.equal((await shown()).trim(), first.ca.trim())

  copyFileSync(second.certFile, first.certFile)
  copyFileSync(second.keyFile, first.keyFile)
  await reload()
  await eventually(async () => {
    const seen = await Promise.all(Array.from({ length: 8 }, shown))
    assert.deepEqual(new Set(seen.map((one) => one.trim())), new Set([second.ca.trim()]))
  })

  const goodbyes = sessions.map((session) => once(session, 'goaway'))
  const running = sessions.map(ask)
  await new Promise((resolve) => setTimeout(resolve, 100))
  const stopped = gateway.close()
  for (const [code] of await Promise.all(goodbyes)) assert.equal(code, constants.NGHTTP2_NO_ERROR)
  assert.deepEqual(new Set(await Promise.all(running)), new Set(['begun done']), 'what ran was finished')
  await stopped
})
