/**
 * A corpus of requests on raw sockets in front of a service that records every byte: what is refused never reaches
 * it, what is accepted reaches it once and has one reading.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eventually } from '../../support/eventually.ts'
import { startGateway, type TestGateway } from '../../support/gateway.ts'
import { medusaBean } from '../../support/medusa-client.ts'
import { type Recorder, startRecorder } from '../../support/recorder.ts'
import { CORPUS } from './corpus/corpus.ts'
import { MAX_BODY } from './corpus/limits.ts'
import { createTrial, type Way } from './trial.ts'

/** Bytes reach a gateway in pieces of any size, and several requests may come in one. */
const WAYS: readonly Way[] = ['at once', 'in pieces', 'with another request behind']
const MOST_FAULTS = 8

const suite = { after: (end?: unknown) => void ends.push(end as () => unknown) }
const ends: (() => unknown)[] = []
let gateway: TestGateway
let recorder: Recorder

before(async () => {
  recorder = await startRecorder(suite)
  gateway = await startGateway(suite, {
    lease: { ttl: '600s' },
    http: { maxBodyBytes: MAX_BODY, clientHeadTimeout: '5s' },
  })
  const bean = medusaBean('all', recorder.port, { endpoints: ['/', '/**'] })
  const registered = await fetch(`${gateway.discovery}/registration`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(bean),
  })
  assert.equal(registered.status, 200, await registered.text())
})
after(async () => {
  for (const end of ends.reverse()) await end()
})

for (const [category, cases] of CORPUS) {
  test(`${category}: nothing refused reaches a service, all else reaches it once and in one reading`, async (t) => {
    const trial = createTrial(t, { port: gateway.port, recorder, service: 'all' })
    const failed = new Map<string, string>()
    for (const way of WAYS) {
      for (const one of cases) {
        if (failed.size >= MOST_FAULTS) break
        const fault = await trial.run(one, way)
        if (fault !== undefined) failed.set(one.name, `${one.name} (${way}): ${fault}`)
      }
    }
    t.diagnostic(`${category}: ${cases.length - failed.size} of ${cases.length}, each ${WAYS.join(', ')}`)
    assert.deepEqual([...failed.values()], [])
  })
}

test('there are at least 200 cases, each with a name of its own', () => {
  const names = CORPUS.flatMap(([category, cases]) => cases.map(({ name }) => `${category}: ${name}`))
  assert.ok(names.length >= 200, `${names.length} cases`)
  assert.equal(new Set(names).size, names.length)
})

test('after all that nothing is in flight and nothing was a failure of the gateway', async () => {
  await eventually(async () => {
    const { services } = await gateway.admin('services')
    assert.deepEqual(
      services.map(({ instances }: any) => instances.map(({ inFlight }: any) => inFlight)),
      [[0]],
    )
  })
  assert.deepEqual(
    gateway.lines.filter(({ level }) => level === 'error' || level === 'fatal'),
    [],
  )
})
