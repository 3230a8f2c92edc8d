/**
 * What a gateway has in memory: only what its configuration asks for, and a worker nothing that is the primary's.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { bareEnv, emptyDirectory, HYDRA } from '../support/hydra.ts'
import { tied } from '../support/tied.ts'

/** Packages and modules, as they stand in addresses, and who needs them. */
const ON_DEMAND = {
  '/yaml/': 'settings in YAML',
  '/@redis/client/': 'a Redis',
  '/gateway/src/identity/identity.ts': 'somebody who signs in',
  '/openid-client/': 'a provider',
  '/re2js/': 'a pattern that is more than a name',
  '/gateway/src/channels/flywheel/network.ts': 'hydra services in Redis',
  '/gateway/src/router-api/router-api.ts': 'the router API',
}
const OF_ANOTHER_COMMAND = '/cli/src/commands/users.ts'

const EVERYTHING = `
publicUrl: http://127.0.0.1
redis: { url: 'redis://127.0.0.1:1' }
flywheel: { enabled: true }
identity:
  users: [{ username: mira, password: secret }]
  allowPlainPasswords: true
  providers: { corp: { issuer: 'http://127.0.0.1:1', clientId: hydra, clientSecret: secret, allowInsecure: true } }
  rules: [{ service: 'bill.*', auth: required }]
`
const PRIMARY = '/gateway/src/gateway.ts'
const OF_THE_PRIMARY = ['/gateway/src/messaging/messaging.ts', '/gateway/src/admin/api.ts', '/hono/', '/ws/']
const WORKER = '/gateway/src/wiring/worker.ts'

type Loaded = (name: string) => boolean

/** Starts a gateway, ends it once it listens, and says of each of its processes what that had loaded. */
async function loadedBy(
  t: TestContext,
  { settings, env = {} }: { settings?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<readonly Loaded[]> {
  const cwd = await emptyDirectory(t)
  if (settings !== undefined) await writeFile(join(cwd, 'hydra.config.yaml'), settings)
  const directory = join(cwd, 'loaded')
  await mkdir(directory)
  const hook = new URL('../support/tell-loaded.mjs', import.meta.url).href
  const child = spawn(...tied(process.execPath, ['--import', hook, HYDRA, 'start', '--port', '0']), {
    cwd,
    env: bareEnv({ LOADED_DIRECTORY: directory, ...env }),
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const exited = once(child, 'exit')
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    const isUp = said.includes('listens on')
    said += text
    if (!isUp && said.includes('listens on')) child.kill('SIGTERM')
  })
  await exited
  assert.match(said, /listens on/)
  const files = (await readdir(directory)).map((name) => readFile(join(directory, name), 'utf8'))
  const each = (await Promise.all(files)).map((text) => JSON.parse(text) as string[])
  return each.map((urls) => (name) => urls.some((url) => url.includes(name)))
}

test('a gateway without settings has nothing in memory that only others need', async (t) => {
  const [has, ...others] = await loadedBy(t)
  assert.deepEqual(others, [])
  assert.ok(has!(PRIMARY))
  assert.deepEqual([...Object.keys(ON_DEMAND), OF_ANOTHER_COMMAND].filter(has!), [])
})

test('one that is asked for all of it has it before it serves', async (t) => {
  const [has] = await loadedBy(t, { settings: EVERYTHING })
  assert.deepEqual(Object.keys(ON_DEMAND).filter(has!), Object.keys(ON_DEMAND))
})

test('a worker has nothing in memory of what only its primary does', async (t) => {
  const processes = await loadedBy(t, { env: { HYDRA_WORKERS: '2' } })
  const primary = processes.find((has) => has(PRIMARY))!
  assert.deepEqual(OF_THE_PRIMARY.filter(primary), OF_THE_PRIMARY)
  const workers = processes.filter((has) => has(WORKER))
  assert.equal(workers.length, 2)
  for (const has of workers) assert.deepEqual([...OF_THE_PRIMARY, ...Object.keys(ON_DEMAND)].filter(has), [])
})
