/**
 * Users, sessions and keys while gateways run: two of them on one database, and `hydra` beside them.
 */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { bareEnv, emptyDirectory, HYDRA, type Ran, runHydra } from '../support/hydra.ts'
import { signIn as signInAt } from '../support/login-form.ts'
import { startProcess } from '../support/process.ts'
import { runPiped } from '../support/run-piped.ts'
import { startUpstream } from '../support/upstream.ts'

const PASSWORD = 'correct horse'
/** An end must be known everywhere by then. */
const SOON_MS = 1000

async function startNodes(t: TestContext, count: number) {
  const cwd = await emptyDirectory(t)
  const { port } = await startUpstream(t, 'shop')
  const config = {
    port: 0,
    host: '127.0.0.1',
    services: { shop: { url: `http://127.0.0.1:${port}`, routes: ['/shop'], login: 'cookie' } },
    identity: { rules: [{ auth: 'required' }] },
  }
  await writeFile(join(cwd, 'hydra.config.mjs'), `export default ${JSON.stringify(config)}\n`)
  const hydra = (words: readonly string[], input?: string): Promise<Ran> =>
    input === undefined ? runHydra(words, { cwd }) : runPiped(words, { cwd, input })
  const added = await hydra(['users', 'add', 'ada', '--roles', 'USER', '--password-stdin'], PASSWORD)
  assert.equal(added.status, 0, added.err)
  const urls: string[] = []
  for (let n = 0; n < count; n++) {
    const gateway = startProcess(t, {
      command: 'env',
      args: [
        '-i',
        ...Object.entries(bareEnv()).map(([name, value]) => `${name}=${value}`),
        process.execPath,
        HYDRA,
        'start',
      ],
      cwd,
    })
    const [, url] = await gateway.printed(/listens on (http:\/\/\S+)/)
    urls.push(url!)
  }
  return { cwd, urls, hydra }
}

const signIn = (url: string, username: string, password = PASSWORD): Promise<string> =>
  signInAt(url, username, password)

const statusOf = async (url: string, cookie: string) =>
  (await fetch(`${url}/shop`, { headers: { cookie, accept: 'application/json' } })).status

test('an operator lists sessions and ends them at every gateway within a second', async (t) => {
  const { urls, hydra } = await startNodes(t, 2)
  const [here, there] = urls as [string, string]
  const cookie = await signIn(here, 'ada')
  for (const url of urls) assert.equal(await statusOf(url, cookie), 200, url)

  const listed = await hydra(['sessions', '--gateway', there])
  assert.match(listed.out, /1 session of 1 person, seen here since the gateway started\./)
  assert.match(listed.out, /^ {2}ada {3}[0-9a-z]+-[\w-]{22} {2}local /m)
  assert.match((await hydra(['sessions', '--user', 'bob', '--gateway', here])).out, /seen no session of bob/)
  const { sessions } = JSON.parse((await hydra(['sessions', '--json', '--gateway', here])).out)
  assert.equal(sessions.length, 1)
  assert.doesNotMatch(listed.out + JSON.stringify(sessions), /eyJ/)

  const ended = await hydra(['sessions', 'end', sessions[0].sid, '--gateway', here])
  assert.equal(ended.out, 'The session is ended.\n')
  await overWithin(SOON_MS, urls, cookie)
  const again = await signIn(there, 'ada')
  for (const url of urls) assert.equal(await statusOf(url, again), 200, url)
  const endOf = (user: string) => hydra(['sessions', 'end', '--user', user, '--gateway', there])
  assert.equal((await endOf('ada')).out, 'Every session of ada that began before now is ended.\n')
  assert.match(
    (await endOf('nosuch')).out,
    /of nosuch that began before now is ended \(none was seen here\)\./,
  )
  await overWithin(SOON_MS, urls, again)
  const nonsense = await hydra(['sessions', 'end', 'nonsense', '--gateway', here])
  assert.deepEqual([nonsense.status, nonsense.out], [1, ''])
  assert.match(nonsense.err, /That is not the id of a session\./)
})

async function overWithin(ms: number, urls: readonly string[], cookie: string): Promise<void> {
  const began = performance.now()
  for (const url of urls) await eventually(async () => assert.equal(await statusOf(url, cookie), 401))
  const tookMs = performance.now() - began
  assert.ok(tookMs < ms, `${Math.round(tookMs)} ms`)
}

test('who is disabled beside running gateways is out within a second, who is added can sign in', async (t) => {
  const { urls, hydra } = await startNodes(t, 1)
  const [url] = urls as [string]
  await hydra(['users', 'add', 'bob', '--password-stdin'], 'another horse')
  const ada = await signIn(url, 'ada')
  const bob = await signIn(url, 'bob', 'another horse')
  assert.equal((await hydra(['users', 'disable', 'ada'])).status, 0)
  await overWithin(SOON_MS, urls, ada)
  assert.equal(await statusOf(url, bob), 200)
  await hydra(['users', 'passwd', 'bob', '--password-stdin'], 'a third horse')
  await overWithin(SOON_MS, urls, bob)
  assert.equal(await statusOf(url, await signIn(url, 'bob', 'a third horse')), 200)
  await hydra(['users', 'enable', 'ada'])
  assert.equal(await statusOf(url, await signIn(url, 'ada')), 200)
})

test('signing keys are rotated for every gateway, and nobody has to sign in again', async (t) => {
  const { urls, hydra } = await startNodes(t, 2)
  const [here, there] = urls as [string, string]
  const cookie = await signIn(here, 'ada')
  const kidsAt = async (url: string): Promise<string[]> =>
    JSON.parse((await hydra(['keys', '--json', '--gateway', url])).out).keys.map(
      ({ kid }: { kid: string }) => kid,
    )
  const before = await kidsAt(here)
  assert.deepEqual([before.length, await kidsAt(there)], [1, before])

  const rotated = await hydra(['keys', 'rotate', '--gateway', here])
  assert.equal(rotated.status, 0, rotated.err)
  assert.match(rotated.out, /^[\w-]{16} signs from now on\.$/m)
  assert.match(rotated.out, /1 key signs; 1 older one still verifies\./)
  const after = await kidsAt(here)
  assert.deepEqual(after.slice(1), before)
  await eventually(async () => assert.deepEqual(await kidsAt(there), after))
  for (const url of urls) {
    assert.equal(await statusOf(url, cookie), 200)
    assert.equal(await statusOf(url, await signIn(there, 'ada')), 200)
  }
})

test('a gateway whose database is broken does not start, and says what to do', async (t) => {
  const cwd = await emptyDirectory(t)
  await writeFile(join(cwd, 'people.db'), 'no database. '.repeat(100))
  const env = { PORT: '0', HYDRA_HOST: '127.0.0.1', HYDRA_IDENTITY_DATABASE: 'people.db' }
  const { status, err } = await runHydra(['start'], { cwd, env })
  assert.equal(status, 1)
  assert.match(err, /people\.db, the identity database, is broken\. Put a copy of it back; or move it away/)
  assert.doesNotMatch(err, /\n {4}at /)
})
