/**
 * What docs/guides/from-hydra-router.md says, with the command line and an unmodified service: a `config.json` is enough, and so
 * are the rights in Redis it gives.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { startHydraService } from '../support/hydra-express.ts'
import { startProcess } from '../support/process.ts'
import { startRedis } from '../support/redis.ts'

const root = resolve(import.meta.dirname, '../..')
const BIN = join(root, 'packages/cli/bin.mjs')
const guide = (name: string) => readFile(join(root, 'docs/guides', `${name}.md`), 'utf8')

test('a config.json of hydra-router is enough to take over, with the rights in Redis the guide gives, and back again', async (t) => {
  const [shared, ours] = [await guide('cluster'), await guide('from-hydra-router')]
  const rights = /^ACL SETUSER hydra on >SECRET (.*)$/m.exec(shared)?.[1]
  const more = /^ACL SETUSER hydra (~.*)$/m.exec(ours)?.[1]
  assert.ok(rights && more, 'the guides have the rules')
  const redis = await startRedis(t)
  await redis.command('ACL', 'SETUSER', 'hydra', 'on', '>secret', ...`${rights} ${more}`.split(' '))

  const directory = await mkdtemp(join(tmpdir(), 'hydra-from-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const port = await freePort()
  const config = {
    routerToken: '',
    queuerDB: 0,
    requestTimeout: 5,
    cors: { 'access-control-allow-origin': '*', 'access-control-Max-Age': 10 },
    hydra: {
      serviceName: 'hydra-router',
      serviceIP: '127.0.0.1',
      servicePort: String(port),
      plugins: { hydraLogger: { logToConsole: true } },
      redis: { url: 'redis://nowhere.invalid:6379/15' },
    },
  }
  await writeFile(join(directory, 'config.json'), JSON.stringify(config))
  const env = {
    HYDRA_ROUTER_CONFIG: 'config.json',
    HYDRA_REDIS_URL: `redis://hydra:secret@127.0.0.1:${redis.port}/15`,
  }

  const checked = startProcess(t, { args: [BIN, 'check'], cwd: directory, env })
  assert.equal(await checked.exited, 0, checked.output())
  assert.match(checked.output(), /config\.json of hydra-router is valid, with 1 warning\./)

  const service = await startHydraService(t, {
    redisUrl: `redis://127.0.0.1:${redis.port}/15`,
    name: 'hello',
    routes: ['[get]/v1/hello'],
    kind: 'core',
  })
  const gateway = startProcess(t, { args: [BIN, 'start'], cwd: directory, env })
  const ask = async (path: string, init?: RequestInit) => {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/router/${path}`, { redirect: 'manual', ...init })
    return { status: answer.status, body: await answer.text() }
  }
  const { result } = await eventually(async () => {
    const { status, body } = await ask('list/services')
    assert.equal(status, 200)
    const said = JSON.parse(body)
    assert.equal(said.result.length, 2, body)
    return said
  }, 15_000)
  assert.deepEqual(
    result.map(({ serviceName, port: at }: any) => [serviceName, Number(at)]).sort(),
    [
      ['hello', service.port],
      ['hydra-router', port],
    ],
    gateway.output(),
  )
  assert.match(gateway.output(), /hydra\.plugins of config\.json has no effect/)
  assert.match(gateway.output(), /\/v1\/router\/\* tells everybody/)
  assert.doesNotMatch(gateway.output(), /secret/)

  const post = (message: object) => ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(message),
  })
  const message = { to: 'hello:/', frm: 'test:/', bdy: { a: 1 } }
  for (const [path, status, init] of [
    ['refresh', 200],
    ['send', 200, post(message)],
    ['queue', 200, post(message)],
    ['stream/x', 200, post(message)],
    ['list/nodes', 200],
    ['clear', 302],
  ] as const)
    assert.equal((await ask(path, init)).status, status, path)
  assert.equal((await service.message(({ bdy }) => bdy?.a === 1)).frm, 'test:/')
  // The library finds the router as it always did.
  const [router] = await service.call('getServicePresence', 'hydra-router')
  assert.equal(router.ip, '127.0.0.1')

  // Mail of a client that went away, where original routers find it.
  const id = await clientThatLeaves(`ws://127.0.0.1:${port}`)
  await service.call('sendMessage', {
    to: `${router.instanceID}@hydra-router:/`,
    fwd: `${id}@client:/`,
    frm: 'hello:/',
    bdy: { b: 1 },
  })
  const list = `hydra-router:message:queue:${id}:queued`
  const { length } = await eventually(async () => {
    const mail = (await redis.command('LRANGE', list, '0', '-1')) as string[]
    assert.equal(mail.length, 1)
    return mail
  })
  assert.equal(length, 1)
  assert.deepEqual(await redis.command('ACL', 'LOG'), [], 'nothing was refused')

  gateway.child.kill('SIGTERM')
  assert.equal(await gateway.exited, 0)
  const look = "redis.call('SELECT', 15); return redis.call('KEYS', 'hydra:service:hydra-router:*:presence')"
  assert.deepEqual(await redis.command('EVAL', look, '0'), [])
})

/** Opens a socket, closes it, and resolves with the id it had. */
function clientThatLeaves(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url)
    let id = ''
    socket.onerror = () => reject(new Error(`${url} can't be opened`))
    socket.onmessage = ({ data }) => {
      id = JSON.parse(String(data)).bdy.id
      socket.close()
    }
    socket.onclose = () => resolve(id)
  })
}
