import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { readPair, TlsError } from './pair.ts'
import { keepSelfSigned, machineNames, makeSelfSigned } from './self-signed.ts'

const DAY = 24 * 3600 * 1000

async function place(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'hydra-tls-'))
  t.after(() => rm(directory, { recursive: true }))
  return join(directory, '.hydra', 'tls')
}

test('a certificate for development is for the names of this machine and signed by itself', async () => {
  const { cert, key } = await makeSelfSigned(machineNames('Dev-Box'), Date.now())
  const certificate = new X509Certificate(cert)
  for (const name of ['localhost', 'dev-box']) assert.equal(certificate.checkHost(name), name)
  for (const address of ['127.0.0.1', '::1']) assert.ok(certificate.checkIP(address), address)
  assert.equal(certificate.checkHost('shop.example'), undefined)
  assert.ok(certificate.verify(certificate.publicKey))
  assert.equal(certificate.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1')
  assert.equal(certificate.ca, false)
  assert.equal(readPair({ cert, key }).fingerprint, certificate.fingerprint256)
})

test('a hostname that is no name is left out', () => {
  assert.deepEqual(machineNames('under_score'), ['localhost', '127.0.0.1', '::1'])
  assert.deepEqual(machineNames('10.0.0.1'), ['localhost', '127.0.0.1', '::1'])
})

test('it is made once, kept for its owner alone, and used again until it is about to expire', async (t) => {
  const directory = await place(t)
  const names = machineNames('dev-box')
  const now = Date.now()
  const made = await keepSelfSigned({ directory, names, now })
  assert.equal(made.source, 'made')
  assert.equal((await stat(made.key)).mode & 0o777, 0o600)
  assert.equal((await stat(directory)).mode & 0o777, 0o700)
  const kept = await keepSelfSigned({ directory, names, now: now + 300 * DAY })
  assert.deepEqual([kept.source, kept.fingerprint], ['kept', made.fingerprint])
  const renewed = await keepSelfSigned({ directory, names, now: now + 340 * DAY })
  assert.equal(renewed.source, 'made')
  assert.notEqual(renewed.fingerprint, made.fingerprint)
})

test('it is made anew when the machine has another name, or a half of it is broken', async (t) => {
  const directory = await place(t)
  const now = Date.now()
  const first = await keepSelfSigned({ directory, names: machineNames('one'), now })
  const second = await keepSelfSigned({ directory, names: machineNames('two'), now })
  assert.notEqual(second.fingerprint, first.fingerprint)
  await writeFile(second.key, (await readFile(second.key, 'utf8')).slice(0, 60))
  const third = await keepSelfSigned({ directory, names: machineNames('two'), now })
  assert.equal(third.source, 'made')
  readPair(third)
})

test('a directory that can’t be written to is said, with a way out', async (t) => {
  const directory = await place(t)
  await rm(join(directory, '..', '..'), { recursive: true })
  await writeFile(join(directory, '..', '..'), 'a file where the directory should be')
  await assert.rejects(
    keepSelfSigned({ directory, names: ['localhost'], now: Date.now() }),
    (error) => error instanceof TlsError && /--tls-cert/.test(error.message),
  )
})
