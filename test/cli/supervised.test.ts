import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { bareEnv, emptyDirectory, HYDRA } from '../support/hydra.ts'

test('whoever looks after a gateway hears how long it may take to stop, also when a reload changed that', async (t) => {
  const cwd = await emptyDirectory(t)
  const file = join(cwd, 'hydra.config.json')
  const configure = (stopGrace: string) =>
    writeFile(
      file,
      JSON.stringify({ port: 0, host: '127.0.0.1', http: { stopGrace }, cluster: { spread: '1s' } }),
    )
  await configure('1s')
  const gateway = fork(HYDRA, ['start', '--config', file], {
    ...{ cwd, env: bareEnv({ HYDRA_SUPERVISED: '1' }), stdio: ['ignore', 'ignore', 'ignore', 'ipc'] },
  })
  const exited = once(gateway, 'exit')
  t.after(async () => {
    gateway.kill('SIGKILL')
    await exited
  })
  const patience: number[] = []
  gateway.on('message', (said: { hydra: string; patienceMs: number }) => {
    if (said.hydra === 'ready') patience.push(said.patienceMs)
  })
  await eventually(() => assert.deepEqual(patience, [2000]), 15_000)
  await configure('60s')
  gateway.kill('SIGHUP')
  await eventually(() => assert.deepEqual(patience, [2000, 61_000]), 5000)
})
