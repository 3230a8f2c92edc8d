/**
 * Applications that hold one key, at a real gateway whose keys change: nobody who is signed in becomes a stranger to them.
 */
import assert from 'node:assert/strict'
import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { startGateway } from '../support/gateway.ts'
import { startLoad } from '../support/load.ts'
import { signIn } from '../support/login-form.ts'
import { medusaClient } from '../support/medusa-client.ts'

/** From the answer to a registration until its key is in use. */
const SLOW_MS = 150

test('while an application takes a new key, at its leisure, its callers wait and are known', async (t) => {
  const gateway = await startGateway(t, {
    identity: { users: [{ username: 'mira', password: 'pond-boots', roles: ['USER'] }] },
  })
  let key: KeyObject
  const app = createServer((request, response) => {
    const token = /HYDRA-SSO=([^;]+)/.exec(request.headers.cookie ?? '')?.[1] ?? ''
    const [signed = '', signature = ''] = token.split(/\.(?=[^.]*$)/)
    const isKnown = verify('RSA-SHA256', Buffer.from(signed), key, Buffer.from(signature, 'base64url'))
    response.end(isKnown ? 'mira' : 'nobody')
  }).listen(0, '127.0.0.1')
  await once(app, 'listening')
  t.after(() => app.close())
  const client = medusaClient(t, `${gateway.url}/h/discovery/${gateway.publicKey}`)
  const register = async () => {
    const { port } = app.address() as AddressInfo
    const { status, body } = await client.register({
      ...{ webProtocol: 'http', host: '127.0.0.1', port, socketPort: 0, name: 'one', version: 0 },
      ...{
        activeSince: 1,
        awakening: null,
        endpoints: ['/one'],
        sockets: [],
        staticResources: [],
        menuItems: {},
      },
    })
    assert.equal(status, 200)
    return createPublicKey({
      key: Buffer.from(JSON.parse(body).publicKey, 'base64'),
      format: 'der',
      type: 'spki',
    })
  }
  key = await register()
  client.keepBeating('one')

  const cookie = await signIn(gateway.url, 'mira', 'pond-boots')
  const load = startLoad(t, async () => {
    const answer = await fetch(`${gateway.url}/one`, { headers: { cookie } })
    return answer.text()
  })
  await load.more('mira', 50)

  const authorization = `Basic ${btoa(`${gateway.publicKey}:${gateway.privateKey}`)}`
  await fetch(`${gateway.url}/_hydra/api/v1/keys/rotate`, { method: 'POST', headers: { authorization } })
  await load.more('mira', 50)
  const next = await register()
  assert.equal(next.equals(key), false)
  await delay(SLOW_MS)
  key = next
  await load.more('mira', 50)
  await load.stop()
  assert.deepEqual([...load.outcomes.keys()], ['mira'])
})
