import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { readUmf, type UmfMessage } from '@hydra-gateway/protocol/umf'
import type { Caller } from '../identity/port.ts'
import { systemClock } from '../observe/clock.ts'
import { createLog } from '../observe/log.ts'
import type { Instance } from '../routing/upstream.ts'
import { createMemoryBus } from '../store/bus/memory.ts'
import type { Bus } from '../store/bus/port.ts'
import { MessageProblem, type Sender, type SenderFacts } from './port.ts'
import { createSdkCarrier, type SdkCarrierSettings } from './sdk-carrier.ts'

let ids = 0
const newId = () => `id${ids++}`
const message = (body: unknown = { n: 1 }): UmfMessage =>
  readUmf({ to: 'orders:/', frm: 'shop:/', bdy: body }, { now: () => 0, newId })
const instance = (id: string, more: Partial<Instance> = {}) =>
  ({ id, service: 'orders', channel: 'rsocket', takesMessages: true, ...more }) as Instance
const sender: Sender = { kind: 'service', service: 'shop', instance: 'a' }

interface NodeOptions {
  readonly at?: Readonly<Record<string, string>>
  readonly take?: (message: UmfMessage) => Promise<void> | void
  readonly settings?: SdkCarrierSettings
  readonly isNodeThere?: (node: string) => boolean
}

/** One node: `lines` end there, `at` says at which node others do. */
function openNode(
  t: TestContext,
  bus: Bus,
  node: string,
  lines: readonly string[],
  options: NodeOptions = {},
) {
  const got: { readonly instance: string; readonly message: UmfMessage; readonly sender: SenderFacts }[] = []
  const { at = {}, take = () => {}, settings, isNodeThere } = options
  const carrier = createSdkCarrier({
    node,
    services: { member: (_service, id) => (at[id] ? ({ node: at[id] } as never) : undefined) },
    lines: {
      lineOf: (id) => (lines.includes(id) ? {} : undefined),
      async deliver(id, received, from) {
        if (!lines.includes(id)) throw new MessageProblem('no-instance', 'no line')
        await take(received)
        got.push({ instance: id, message: received, sender: from })
      },
    },
    bus,
    ...(isNodeThere ? { isNodeThere } : {}),
    tokens: { tokenFor: (caller) => `token of ${caller.sid}` },
    ...(settings ? { settings } : {}),
    newId,
    clock: systemClock,
    log: createLog('silent'),
  })
  t.after(() => carrier.close())
  return { carrier, got }
}

const faultOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'delivered',
    (error) => (error instanceof MessageProblem ? error.fault : String(error)),
  )

test('only instances that say so are brought messages by their lines', (t) => {
  const { carrier } = openNode(t, createMemoryBus(), 'n1', [])
  assert.equal(carrier.carries(instance('a')), true)
  assert.equal(carrier.carries(instance('a', { takesMessages: false })), false)
  assert.equal(carrier.carries(instance('a', { channel: 'http' })), false)
})

test('a message for a service at another node gets there, with who sends it', async (t) => {
  const bus = createMemoryBus()
  const here = openNode(t, bus, 'n1', [], { at: { b: 'n2' } })
  const there = openNode(t, bus, 'n2', ['b'])
  const sent = message({ deep: { text: 'ü' } })
  await here.carrier.deliver(instance('b'), sent, sender)
  assert.deepEqual(there.got, [{ instance: 'b', message: sent, sender }])
  const caller = { sid: 'session 1' } as Caller
  await here.carrier.deliver(instance('b'), sent, { kind: 'client', id: 'c1', caller, address: '::1' })
  assert.deepEqual(there.got[1]!.sender, { kind: 'client', id: 'c1', token: 'token of session 1' })
  await here.carrier.deliver(instance('b'), sent)
  assert.deepEqual(there.got[2]!.sender, { kind: 'service', isHearsay: true })
  assert.equal(here.carrier.underWay, 0)
})

test('what went wrong at the other node is told', async (t) => {
  const bus = createMemoryBus()
  const at = { b: 'n2', c: 'n2', d: 'n3', e: 'n1' }
  const here = openNode(t, bus, 'n1', [], {
    at,
    settings: { callTimeoutMs: 30 },
    isNodeThere: (node) => node !== 'n3',
  })
  openNode(t, bus, 'n2', ['b'], {
    take() {
      throw new MessageProblem('throttled', 'busy')
    },
  })
  assert.equal(await faultOf(here.carrier.deliver(instance('b'), message())), 'throttled')
  assert.equal(await faultOf(here.carrier.deliver(instance('c'), message())), 'no-instance')
  assert.equal(await faultOf(here.carrier.deliver(instance('d'), message())), 'timeout')
  assert.equal(await faultOf(here.carrier.deliver(instance('e'), message())), 'no-instance')
  assert.equal(await faultOf(here.carrier.deliver(instance('f'), message())), 'no-instance')
})

test('a node that does not answer is waited for no longer than is set just now', async (t) => {
  const settings = { callTimeoutMs: 60_000 }
  const here = openNode(t, createMemoryBus(), 'n1', [], { at: { b: 'n2' }, settings })
  settings.callTimeoutMs = 20
  assert.equal(await faultOf(here.carrier.deliver(instance('b'), message())), 'timeout')
  assert.equal(here.carrier.underWay, 0)
})

test('while the store is away messages to other nodes are refused at once', async (t) => {
  const bus = { ...createMemoryBus(), publish: () => Promise.reject(new Error('away')) }
  const here = openNode(t, bus, 'n1', ['a'], { at: { b: 'n2' } })
  assert.equal(await faultOf(here.carrier.deliver(instance('b'), message())), 'store-away')
  assert.equal(await faultOf(here.carrier.deliver(instance('a'), message())), 'delivered')
})

test('a message the bus says twice is handed over once', async (t) => {
  const bus = createMemoryBus()
  const twice: Bus = {
    ...bus,
    async publish(topic, text) {
      await bus.publish(topic, text)
      await bus.publish(topic, text)
    },
  }
  const here = openNode(t, twice, 'n1', [], { at: { b: 'n2' } })
  const there = openNode(t, twice, 'n2', ['b'])
  await here.carrier.deliver(instance('b'), message())
  await here.carrier.deliver(instance('b'), message())
  assert.equal(there.got.length, 2)
})

test('as many messages as are set wait for other nodes, and what others write on the bus harms nobody', async (t) => {
  const bus = createMemoryBus()
  const here = openNode(t, bus, 'n1', ['a'], {
    at: { b: 'n2' },
    settings: { maxUnderWay: 2, callTimeoutMs: 50 },
  })
  const all = [1, 2, 3].map(() => faultOf(here.carrier.deliver(instance('b'), message())))
  assert.deepEqual(await Promise.all(all), ['timeout', 'timeout', 'throttled'])
  for (const text of [
    '',
    'null',
    '7',
    '{}',
    '{"id":1}',
    '{"id":"x","kind":"answer"}',
    '{"id":"x","node":"n1"}',
  ])
    await bus.publish('services:n1', text)
  const asked = { kind: 'message', id: 'x', node: 'n9', instance: 'a', message: { to: 7 }, sender: {} }
  await bus.publish('services:n1', JSON.stringify(asked))
  assert.deepEqual(here.got, [])
  await here.carrier.deliver(instance('a'), message())
  assert.equal(here.got.length, 1)
})
