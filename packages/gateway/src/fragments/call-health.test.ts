import assert from 'node:assert/strict'
import { test } from 'node:test'
import { instanceAt } from '../proxy/testing/rig.ts'
import { createVitals } from '../routing/vitals.ts'
import { countCall, countCancelled } from './call-health.ts'
import { createHttpRenderer } from './http-renderer.ts'
import type { RenderFailure } from './port.ts'
import { type Got, ok, openRequests, rawService, request, told } from './testing/renders.ts'

const FINE = { answers: 1, faults: 0 }
const FAULT = { answers: 1, faults: 1 }
const NOTHING = { answers: 0, faults: 0 }

test('what is said of who was asked, by how a call ended', () => {
  const after = (reason: RenderFailure['reason'], nothingSent: boolean, timeoutMs = 2000) => {
    const vitals = createVitals().of('a')
    countCall(vitals, { reason, nothingSent }, { timeoutMs, hasFailed: false })
    return { answers: vitals.answers, faults: vitals.faults }
  }
  assert.deepEqual(after('closed', false), FAULT)
  assert.deepEqual(after('failed', false), FAULT)
  assert.deepEqual(after('unreadable', false), FAULT)
  assert.deepEqual(after('too-large', false), FAULT)
  assert.deepEqual(after('timeout', false), FAULT)
  // It was asked, and refused.
  assert.deepEqual(after('overloaded', true), FAULT)
  // It was not asked, or by somebody in a hurry.
  assert.deepEqual(after('closed', true), NOTHING)
  assert.deepEqual(after('failed', true), NOTHING)
  assert.deepEqual(after('timeout', false, 200), NOTHING)
})

test('a call that is given up counts when its time was over, unless it had hardly any', () => {
  const after = (timeoutMs: number, leftMs: number): number => {
    const vitals = createVitals().of('a')
    countCancelled(vitals, timeoutMs, leftMs)
    return vitals.faults
  }
  assert.equal(after(2000, 10), 1)
  assert.equal(after(2000, -100), 1)
  assert.equal(after(2000, 1500), 0)
  assert.equal(after(100, 10), 0)
})

test('calls over HTTP are counted once each, by what came', async (t) => {
  const ask = async (answer: (got: Got) => void, timeoutMs = 5000) => {
    const service = await rawService(t, answer)
    const { requests, vitals } = openRequests(t)
    const instance = instanceAt(service.port, { isOurs: true })
    const receiver = told()
    createHttpRenderer({ requests, keys: { publicKey: 'pub' } }).render(
      instance,
      request(),
      timeoutMs,
      receiver,
    )
    await receiver.ended()
    const { answers, faults } = vitals.of(instance.id)
    return { answers, faults }
  }
  const answered = (body: unknown) => ask(({ end }) => end.send(ok(body)))
  const status = (line: string) => ask(({ end }) => end.send(`HTTP/1.1 ${line}\r\nContent-Length: 0\r\n\r\n`))
  assert.deepEqual(await answered({ fragments: [{ id: 'f1', renderedHTML: '<b>' }] }), FINE)
  // It has nothing to show, which is its business.
  assert.deepEqual(await answered({ fragments: [{ id: 'f1', renderedHTML: null }] }), FINE)
  assert.deepEqual(await answered({ fragments: [{ id: 'f1', renderedHTML: null, reason: 'failed' }] }), FAULT)
  assert.deepEqual(await answered('no fragments'), FAULT)
  assert.deepEqual(await status('500 Oops'), FAULT)
  assert.deepEqual(await status('404 Not Found'), FINE)
  assert.deepEqual(await ask(({ end }) => end.send('what?\r\n\r\n')), FAULT)
  assert.deepEqual(await ask(({ end }) => void end.socket.destroy()), FAULT)
  assert.deepEqual(await ask(() => {}, 1100), FAULT)
  assert.deepEqual(await ask(() => {}, 100), NOTHING)
})
