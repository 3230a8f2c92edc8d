import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from './config.ts'
import { createSessionBook } from './identity/session-book.ts'
import { flywheelNetworkSlice, identitySlice, proxySlice, routerApiSlice, signaturesSlice } from './slices.ts'

test('limits of the sign-in that are set reach the parts they are for', () => {
  const { book, passwords, providers, throttle, tokens } = identitySlice(
    parseConfig({
      publicUrl: 'http://localhost:8080',
      identity: {
        token: { cache: '1MiB' },
        session: { remembered: 1 },
        throttle: { kept: 123 },
        passwords: { waiting: 9 },
        providers: {
          work: { issuer: 'http://localhost:9000', clientId: 'shop', timeout: '2s' },
          home: { issuer: 'http://localhost:9001', clientId: 'shop' },
        },
      },
    }),
  )
  assert.equal(tokens.cacheBytes, 1024 * 1024)
  assert.equal(throttle.kept, 123)
  assert.equal(passwords.waiting, 9)
  const times = Object.entries(providers.providers).map(([name, { timeoutMs }]) => [name, timeoutMs])
  assert.deepEqual(times, [
    ['work', 2000],
    ['home', 5000],
  ])

  const seen = createSessionBook({
    revocations: { isRevoked: () => false },
    clock: { now: () => 1000 },
    settings: book,
  })
  for (const sid of ['rs-a', 'rs-b']) {
    const session = { sid, startedAt: 1000, sessionEndsAt: 2000, identities: [], providers: [] }
    seen.seen({ ...session, revocableAs: [] }, undefined)
  }
  assert.equal(seen.list().total, 1)
})

test('limits of requests that come round, of queues, streams and signatures reach the parts they are for', () => {
  const config = parseConfig({
    http: { maxPasses: 4 },
    flywheel: { maxUnknownQueues: 5, maxStreams: 6, maxSignatures: 7, rememberSignatures: '8s' },
  })
  assert.equal(proxySlice(config).maxPasses, 4)
  const { maxUnknownQueues, maxStreams } = routerApiSlice(config)
  assert.deepEqual([maxUnknownQueues, maxStreams], [5, 6])
  assert.deepEqual(signaturesSlice(config), { mostRemembered: 7, rememberMs: 8000 })
})

test('limits of what stands in the Redis of hydra services reach whoever reads there', () => {
  const config = parseConfig({
    flywheel: {
      maxServices: 1,
      maxInstances: 2,
      maxNodes: 3,
      maxRouters: 4,
      maxQueue: 5,
      maxStreamLength: 11,
    },
    registration: { maxRoutes: 6 },
    messages: { maxBytes: '7KiB', keepMessages: 8, keepBytes: '9KiB', keepFor: '10s' },
  })
  assert.deepEqual(flywheelNetworkSlice(config), {
    ...{ maxServices: 1, maxInstances: 2, maxNodes: 3, maxRouters: 4, maxQueue: 5, maxRoutes: 6 },
    maxStreamLength: 11,
    ...{ maxMessageBytes: 7168, keepMessages: 8, keepBytes: 9216, keepForMs: 10_000 },
  })
})
