import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { eventually } from '../../../../test/support/eventually.ts'
import { freePort } from '../../../../test/support/free-port.ts'
import { bareEnv, emptyDirectory, HYDRA, olderNode } from '../../../../test/support/hydra.ts'
import { canHoldPorts, holdPort } from './held-port.ts'

/** As systemd does it: whoever is to listen is known by its id before it is anything. */
async function startWithSockets(t: TestContext, node: string): Promise<string> {
  const [port, control] = [await freePort(), await freePort()]
  const held = [await holdPort(control, '127.0.0.1'), await holdPort(port, '127.0.0.1')]
  const env = {
    LISTEN_FDS: '2',
    LISTEN_FDNAMES: 'control:http',
    HYDRA_CONTROL_PORT: String(control),
    PORT: '1',
  }
  const child = spawn('/bin/sh', ['-c', `LISTEN_PID=$$ exec "$0" "$@"`, node, HYDRA, 'start'], {
    cwd: await emptyDirectory(t),
    env: bareEnv(env),
    stdio: ['ignore', 'ignore', 'pipe', ...held.map(({ fd }) => fd)],
  })
  const exited = once(child, 'exit')
  t.after(async () => {
    child.kill('SIGTERM')
    await exited
    for (const one of held) one.close()
  })
  let told = ''
  child.stderr!.setEncoding('utf8').on('data', (more: string) => {
    told += more
  })
  await eventually(() => assert.match(told, /Stop with Ctrl/), 15_000)
  assert.equal((await fetch(`http://127.0.0.1:${control}/_hydra/ready`)).status, 200)
  assert.equal((await fetch(`http://127.0.0.1:${port}/_hydra/api/v1/services`)).status, 404)
  return told.replaceAll(String(port), 'PORT')
}

test('a gateway serves at the sockets that systemd opened', { skip: !canHoldPorts }, async (t) => {
  assert.match(await startWithSockets(t, process.execPath), /listens on http:\/\/localhost:PORT/)
})

test('the sockets go through the process that finds a newer Node', {
  skip: !canHoldPorts || !olderNode(),
}, async (t) => {
  assert.match(await startWithSockets(t, olderNode()!), /listens on http:\/\/localhost:PORT/)
})
