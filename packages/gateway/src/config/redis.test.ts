import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeCertificate } from '../../../../test/support/redis.ts'
import { loadConfig } from './load.ts'
import { ConfigError } from './problems.ts'

async function problemsOf(loading: Promise<unknown>) {
  const error = await loading.then(
    () => [],
    (thrown) => thrown,
  )
  if (Array.isArray(error)) return error
  assert.ok(error instanceof ConfigError, error)
  return error.problems
}

test('an address of Redis no gateway could use is a problem of the configuration, and keeps its password', async () => {
  for (const [url, reason] of [
    ['redis://:hunter2@h/shop', /no number of a database/],
    ['redis://:hunter2@h:99999', /names a host that is none/],
    ['redis://:hunter2@a,b', /several hosts/],
    ['redis+sentinel://:hunter2@a,b', /end in the name Sentinel has/],
    ['redis+cluster://:hunter2@a/3', /database 0 only/],
    ['redis://:hunt%er2@h', /%25/],
  ] as const) {
    const problems = await problemsOf(loadConfig({ directory: tmpdir(), env: { HYDRA_REDIS_URL: url } }))
    assert.deepEqual(
      problems.map(({ at }) => at),
      ['HYDRA_REDIS_URL'],
      url,
    )
    assert.match(problems[0]!.is, reason)
    assert.match(problems[0]!.write, /^the address of Redis: redis:\/\/host/)
    assert.doesNotMatch(JSON.stringify(problems), /hunt/)
  }
})

test('files with certificates for Redis that are not there, or hold none, are named with their line', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'hydra-config-'))
  t.after(() => rm(directory, { recursive: true }))
  const [own, other] = [makeCertificate(t), makeCertificate(t)]
  await writeFile(join(directory, 'empty.pem'), 'nothing\n')
  const found = async (settings: Record<string, string>) => {
    const lines = Object.entries(settings).map(([name, value]) => `  ${name}: ${value}\n`)
    await writeFile(join(directory, 'hydra.config.yaml'), `redis:\n${lines.join('')}`)
    const problems = await problemsOf(loadConfig({ directory, env: {} }))
    return problems.map(({ at, line, is }) => `${at} ${line} ${is}`)
  }
  assert.deepEqual(await found({ ca: 'gone.pem' }), ["redis.ca 2 a file that can't be read (ENOENT)"])
  assert.deepEqual(await found({ ca: 'empty.pem' }), ['redis.ca 2 without a certificate'])
  assert.deepEqual(await found({ cert: own.certFile, key: 'gone.pem' }), [
    "redis.key 3 a file that can't be read (ENOENT)",
  ])
  assert.deepEqual(await found({ cert: own.certFile, key: other.keyFile }), [
    'redis.key 3 no key, or not that of redis.cert',
  ])
  assert.deepEqual(await found({ ca: own.certFile, cert: own.certFile, key: own.keyFile }), [])
})
