/**
 * What `tools/check-deploy.ts` finds in deployment files that somebody has changed.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'

const root = resolve(import.meta.dirname, '../..')
const COPIED = ['Dockerfile', '.dockerignore', 'compose.yaml', 'package.json', 'deploy']

/** The checkout, with its deployment files as copies that may be changed. */
async function copyOfRepository(t: { after(done: () => unknown): void }): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'hydra-deploy-'))
  t.after(() => rm(copy, { recursive: true, force: true }))
  for (const name of await readdir(root)) {
    if (COPIED.includes(name)) await cp(join(root, name), join(copy, name), { recursive: true })
    else await symlink(join(root, name), join(copy, name))
  }
  return copy
}

function check(directory: string): Promise<{ readonly status: number; readonly said: string }> {
  const args = ['--conditions=hydra-source', join(root, 'tools/check-deploy.ts'), '--root', directory]
  return new Promise((done) =>
    execFile(process.execPath, args, (error, stdout, stderr) =>
      done({ status: error ? Number(error.code) : 0, said: stdout + stderr }),
    ),
  )
}

async function change(directory: string, file: string, from: string, to: string): Promise<void> {
  const path = join(directory, file)
  const text = await readFile(path, 'utf8')
  assert.ok(text.includes(from), `${file} has no ${from}`)
  await writeFile(path, text.replace(from, to))
}

test('the deployment files of this repository name what is there', async () => {
  const { status, said } = await check(root)
  assert.equal(said, 'deployment: every file and setting that is named exists\n')
  assert.equal(status, 0)
})

const SLIPS = [
  [
    'Dockerfile',
    'COPY deploy/docker deploy/docker',
    'COPY deploy/image deploy/docker',
    'deploy/image, which is not there',
  ],
  [
    'Dockerfile',
    'ENTRYPOINT ["node", "/opt',
    'ENTRYPOINT node "/opt',
    'ENTRYPOINT of gateway is not in exec form',
  ],
  ['Dockerfile', 'EXPOSE 8080', 'USER root', 'gateway runs as root'],
  ['Dockerfile', 'COPY bench/package.json bench/\n', '', 'bench/package.json is not copied'],
  ['Dockerfile', 'NODE_IMAGE=node:24.', 'NODE_IMAGE=node:22.', 'NODE_IMAGE is node:22.'],
  ['.dockerignore', '!demo/services\n', '', 'demo/services, which .dockerignore keeps out'],
  [
    'compose.yaml',
    'HYDRA_CONTROL_PORT: 9080',
    'HYDRA_CONTROLL_PORT: 9080',
    'HYDRA_CONTROLL_PORT is a variable nobody reads',
  ],
  [
    'compose.yaml',
    'HYDRA_PRIVATE_KEY_FILE: /run/hydra/private-key',
    'HYDRA_PRIVATE_KEY: secret',
    'write HYDRA_PRIVATE_KEY_FILE',
  ],
  ['compose.yaml', 'stop_grace_period: 60s', 'stop_grace_period: 20s', 'stop_grace_period is 20 s'],
  ['compose.yaml', 'services/home.ts]', 'services/house.ts]', 'demo/services/house.ts, which is not there'],
  [
    'deploy/kubernetes/config.yaml',
    'stopDelay: 15s',
    'stopDelay: 1s',
    'before a readiness probe has noticed',
  ],
  ['deploy/kubernetes/config.yaml', 'controlPort: 9080', 'controlPort: 9090', 'port control is not 9090'],
  ['deploy/kubernetes/deployment.yaml', 'path: /_hydra/ready', 'path: /ready', 'the gateway does not answer'],
  [
    'deploy/kubernetes/deployment.yaml',
    'enableServiceLinks: false',
    'enableServiceLinks: true',
    'enableServiceLinks has to be false',
  ],
  ['deploy/kubernetes/deployment.yaml', 'PeriodSeconds: 60', 'PeriodSeconds: 30', 'is cut after 30 s'],
  ['deploy/kubernetes/services.yaml', 'targetPort: http', 'targetPort: web', 'Service hydra names port web'],
  [
    'deploy/kubernetes/disruption.yaml',
    'matchLabels: { app.kubernetes.io/name: hydra }',
    'matchLabels: { app: hydra }',
    'PodDisruptionBudget hydra selects nothing',
  ],
  ['deploy/systemd/hydra.service', '%d/private-key', '%d/key', 'the credential key, which is not loaded'],
  ['deploy/systemd/hydra.service', 'TimeoutStopSec=60', 'TimeoutStopSec=30', 'TimeoutStopSec is 30'],
  [
    'deploy/systemd/hydra.socket',
    'ListenStream=8080',
    'ListenStream=80',
    'the socket is 80, and port is 8080',
  ],
] as const

test('every slip in them is said, each with the file it is in', async (t) => {
  const copy = await copyOfRepository(t)
  for (const [file, from, to] of SLIPS) await change(copy, file, from, to)
  const { status, said } = await check(copy)
  assert.equal(status, 1)
  const lines = said.trim().split('\n')
  for (const [file, , , sentence] of SLIPS) {
    const place = file.replace(/^\.dockerignore$/, 'Dockerfile').replace(/^(deploy\/\w+)\/.*/, '$1')
    assert.ok(
      lines.some((line) => line.startsWith(`${place}: `) && line.includes(sentence)),
      `“${sentence}” in:\n${said}`,
    )
  }
})

test('settings in a manifest are read as the gateway reads them', async (t) => {
  const copy = await copyOfRepository(t)
  await change(copy, 'deploy/kubernetes/config.yaml', 'stopDelay: 15s', 'stopDelai: 15s')
  const { status, said } = await check(copy)
  assert.match(said, /ConfigMap: the gateway would not start: .*stopDelai/s)
  assert.equal(status, 1)
})
