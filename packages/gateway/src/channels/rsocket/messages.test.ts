import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { MOST_PUSHED, ROUTES } from '@hydra-gateway/protocol/rsocket'
import { readUmf, type UmfMessage } from '@hydra-gateway/protocol/umf'
import { until } from '../../../../../test/support/eventually.ts'
import { MessageProblem, type Sender, type ServiceDesk } from '../../messaging/port.ts'
import type { RSocketChannelSettings } from './channel.ts'
import { bean, idOf, openGateway, openService } from './test-support.ts'

const SETTINGS = { maxFrameBytes: 10_000, maxRegistrationBytes: 100_000, maxRoutes: 100 }

/** A channel whose messages end at a desk that writes down what it got. */
async function house(t: TestContext, settings: Partial<RSocketChannelSettings> = {}) {
  const got: { message: UmfMessage; sender: Sender }[] = []
  const held: (() => void)[] = []
  const pushed: string[][] = []
  /** What pushes wait for before they begin. */
  const begun: Promise<void>[] = []
  const desk: ServiceDesk = {
    messenger: {
      async send(message, sender) {
        got.push({ message, sender })
        const { mid } = message
        if (message.type === 'held') await new Promise<void>((resolve) => held.push(resolve))
        if (message.type === 'lost') return { ok: false, fault: 'no-instance', reason: 'nobody', mid }
        return { ok: true, when: 'now', mid }
      },
      async push(message, clients, sender, onBegun) {
        got.push({ message, sender })
        const begin = begun.shift()
        if (begin) await begin
        pushed.push([...clients])
        onBegun()
        if (message.type === 'held') await new Promise<void>((resolve) => held.push(resolve))
        return { now: clients.size, later: 0, failed: [] }
      },
      async call(message) {
        if (message.type === 'lost') throw new MessageProblem('timeout', 'too late')
        return { status: 201, headers: { a: 'b' }, body: { asked: message.to }, isJson: true }
      },
    },
    find: (service) => [{ instanceId: 'i', service, version: 1, channel: 'rsocket', takesMessages: true }],
    refusedOf: ({ messages }) => (messages?.length ? [{ path: 'messages of the type x', reason: 'no' }] : []),
  }
  const gateway = await openGateway(t, { messages: desk, settings: { ...SETTINGS, ...settings } })
  return { gateway, got, held, pushed, begun }
}

const message = (more: object = {}): UmfMessage =>
  readUmf({ to: 'orders:/', frm: 'shop:/', bdy: {}, ...more }, { now: () => 0, newId: () => 'm1' })

test('who sends is the instance the line speaks for, whatever the message says', async (t) => {
  const { gateway, got } = await house(t)
  const { peer } = await openService(gateway.tcp, bean(1))
  const said = {
    to: 'shop:/x',
    frm: `${idOf(2)}@admin:/path`,
    mid: 'm',
    sender: { kind: 'door' },
    bdy: { n: 1 },
  }
  assert.deepEqual(await peer.request(ROUTES.message, said, 1000), { ok: true, when: 'now', mid: 'm' })
  assert.deepEqual(got[0]!.sender, { kind: 'service', service: 'orders', instance: idOf(1) })
  assert.equal(got[0]!.message.from, `${idOf(1)}@orders:/path`)
  // Long names, and without `from`: whoever sends is known.
  assert.deepEqual(await peer.request(ROUTES.message, { to: 'shop:/', body: 1, mid: 'n' }, 1000), {
    ok: true,
    when: 'now',
    mid: 'n',
  })
  assert.equal(got[1]!.message.from, `${idOf(1)}@orders:/`)
})

test('what can not be sent is answered with a word, and the line stays', async (t) => {
  const { gateway } = await house(t, { maxMessageBytes: 500 })
  const { peer } = await openService(gateway.tcp, bean(1))
  const ask = async (said: unknown) => {
    const { ok, fault } = (await peer.request(ROUTES.message, said, 1000)) as { ok: boolean; fault?: string }
    return ok ? 'ok' : fault
  }
  for (const said of [
    7,
    null,
    [],
    {},
    { to: 'shop:/', bdy: 0 },
    { to: {}, bdy: 1 },
    { to: 'shop:/', frm: 7, bdy: 1 },
    { to: 'shop', bdy: 1 },
    { to: 'shop:[get/', bdy: 1 },
    { to: 'shop:/', via: [], bdy: 1 },
  ])
    assert.equal(await ask(said), 'invalid', JSON.stringify(said))
  assert.equal(await ask({ to: 'shop:/', typ: 'lost', bdy: 1 }), 'no-instance')
  await assert.rejects(ask({ to: 'shop:/', bdy: 'x'.repeat(600) }), { problem: 'HYDRA_TOO_LARGE' })
  assert.equal(await ask({ to: 'shop:[get]/x', typ: 'lost', bdy: 1 }), 'timeout')
  assert.equal(await ask({ to: 'shop:/', bdy: 1 }), 'ok')
  assert.deepEqual(await peer.request(ROUTES.message, { to: 'shop:[get]/x', mid: 'm', bdy: 1 }, 1000), {
    ok: true,
    when: 'now',
    mid: 'm',
    status: 201,
    headers: { a: 'b' },
    body: { asked: 'shop:[get]/x' },
    isJson: true,
  })
})

test('a line has as many messages under way as are set, those above are refused at once', async (t) => {
  const { gateway, held } = await house(t, { maxMessages: 2 })
  const { peer } = await openService(gateway.tcp, bean(1))
  const send = () => peer.request(ROUTES.message, { to: 'shop:/', typ: 'held', bdy: 1 }, 1000)
  const first = [send(), send()]
  assert.deepEqual(await send(), {
    ok: false,
    fault: 'throttled',
    reason: 'a line may have 2 messages under way',
    mid: '',
  })
  await until(() => held.length === 2)
  for (const release of held) release()
  assert.equal((await Promise.all(first)).length, 2)
})

test('a push has one message for many clients, each once, from the instance the line speaks for', async (t) => {
  const { gateway, got, pushed } = await house(t, { maxMessageBytes: 500 })
  const { peer } = await openService(gateway.tcp, bean(1))
  const ask = (said: unknown) => peer.request(ROUTES.push, said, 1000)
  const message = { frm: 'admin:/', to: 'orders:/', mid: 'm', bdy: { n: 1 } }
  const clients = ['c1', 'c2', 'c1']
  assert.deepEqual(await ask({ message, clients }), { ok: true, mid: 'm', now: 2, later: 0, failed: [] })
  assert.deepEqual(pushed, [['c1', 'c2']])
  assert.deepEqual(got[0]!.sender, { kind: 'service', service: 'orders', instance: idOf(1) })
  assert.deepEqual([got[0]!.message.from, got[0]!.message.to], [`${idOf(1)}@orders:/`, 'client:/'])
  // The ids have room of their own.
  const many = Array.from({ length: MOST_PUSHED }, (_, n) => `c${String(n).padStart(47, '0')}`)
  assert.equal(((await ask({ message, clients: many })) as { now: number }).now, MOST_PUSHED)
  for (const said of [
    null,
    7,
    { message },
    { message, clients: {} },
    { message, clients: [...many, 'c'] },
    { message, clients: ['C1'] },
    { message, clients: [`c1"`] },
    { message, clients: [7] },
    { message, clients: ['c'.repeat(65)] },
    { clients },
    { message: 'x', clients },
    { message: {}, clients },
    { message: { bdy: 0 }, clients },
  ])
    assert.equal(
      ((await ask(said)) as { fault?: string }).fault,
      'invalid',
      JSON.stringify(said)?.slice(0, 80),
    )
  const large = { ...message, bdy: 'x'.repeat(700_000) }
  await assert.rejects(ask({ message: large, clients }), { problem: 'HYDRA_TOO_LARGE' })
})

test('what is sent to a client of a push that has not begun for it comes behind it; nobody else waits', async (t) => {
  const { gateway, got, pushed, begun } = await house(t)
  const { peer } = await openService(gateway.tcp, bean(1))
  const waits = Promise.withResolvers<void>()
  begun.push(waits.promise)
  const push = (n: number, clients: string[]) =>
    peer.request(ROUTES.push, { message: { bdy: { n } }, clients }, 1000)
  const send = (n: number, to: string, more: object = {}) =>
    peer.request(ROUTES.message, { to, bdy: { n }, ...more }, 1000)
  const all = [
    push(1, ['c1', 'c2']),
    send(2, 'c1@client:/'),
    push(3, ['c1', 'c3']),
    send(4, 'hydra-router:/', { fwd: 'c3@client:/' }),
    send(5, `${'a'.repeat(32)}-c2@hydra-router:/`),
    send(6, 'c9@client:/'),
    send(7, 'shop:/'),
  ]
  const numbers = () => got.map(({ message }) => (message.body as { n: number }).n)
  await Promise.all(all.slice(5))
  assert.deepEqual(numbers(), [1, 6, 7])
  waits.resolve()
  await Promise.all(all)
  assert.deepEqual(pushed, [
    ['c1', 'c2'],
    ['c1', 'c3'],
  ])
  const at = (n: number) => numbers().indexOf(n)
  assert.ok(at(2) < at(3) && at(3) < at(4), String(numbers()))
})

test('a push counts as more messages the more clients it is for, and alone it always goes', async (t) => {
  const { gateway, held } = await house(t, { maxMessages: 3 })
  const { peer } = await openService(gateway.tcp, bean(1))
  const push = (count: number) =>
    peer.request(
      ROUTES.push,
      { message: { typ: 'held', bdy: 1 }, clients: Array.from({ length: count }, (_, n) => `c${n}`) },
      1000,
    ) as Promise<{ fault?: string }>
  const first = push(600)
  assert.equal((await push(1)).fault, 'throttled')
  held.shift()!()
  await first
  const large = push(5000)
  await until(() => held.length === 1)
  held.shift()!()
  assert.equal((await large).fault, undefined)
})

test('a service finds others, and hears which types of its messages are refused', async (t) => {
  const { gateway } = await house(t)
  const { peer } = await openService(gateway.tcp, bean(1, { messages: [{ type: 'x' }] }))
  const found = await peer.request(ROUTES.find, { service: 'shop' }, 1000)
  assert.deepEqual(found, {
    instances: [{ instanceId: 'i', service: 'shop', version: 1, channel: 'rsocket', takesMessages: true }],
  })
  await assert.rejects(peer.request(ROUTES.find, { service: 7 }, 1000), { problem: 'HYDRA_BAD_REQUEST' })
  const { refused } = (await peer.request(ROUTES.registered, {}, 1000)) as { refused: { path: string }[] }
  assert.ok(refused.some(({ path }) => path === 'messages of the type x'))
})

test('a registration that says of a type whom it is for in words that mean nothing is refused', async (t) => {
  const { gateway } = await house(t)
  const { ended } = await openService(gateway.tcp, bean(1, { messages: [{ type: 'x', role: ['ADMIN'] }] }))
  assert.match((await ended).error.message, /messages\.0\.role: means nothing here/)
})

test('how long a service has for taking a message may change while its line is open', async (t) => {
  const settings = { ...SETTINGS, takeTimeoutMs: 60_000 }
  const gateway = await openGateway(t, { settings })
  await openService(gateway.tcp, bean(1), {
    routes: { requests: { [ROUTES.message]: () => new Promise<void>(() => {}) } },
  })
  await until(() => gateway.channel.lineOf(idOf(1)) !== undefined)
  settings.takeTimeoutMs = 50
  const fault = gateway.channel
    .deliver(idOf(1), message(), { kind: 'client', id: 'c1' })
    .catch((error: MessageProblem) => error.fault)
  assert.equal(await Promise.race([fault, delay(5000, 'still waiting', { ref: false })]), 'timeout')
})

test('a message is with its service once that says so, and what goes wrong has a word', async (t) => {
  const { gateway } = await house(t, { takeTimeoutMs: 100, maxMessages: 1 })
  const got: unknown[] = []
  const answers: unknown[] = [{ ok: true }, { ok: false, fault: 'throttled', reason: 'busy' }, 7, undefined]
  const release: (() => void)[] = []
  const service = await openService(gateway.tcp, bean(1), {
    routes: {
      requests: {
        [ROUTES.message](data) {
          got.push(data)
          return answers.length > 0 ? answers.shift() : new Promise<void>((resolve) => release.push(resolve))
        },
      },
    },
  })
  await openService(gateway.url, bean(2))
  await until(
    () => gateway.channel.lineOf(idOf(1)) !== undefined && gateway.channel.lineOf(idOf(2)) !== undefined,
  )
  const sender = { kind: 'client', id: 'c1' } as const
  const faultOf = (n: number): Promise<string> =>
    gateway.channel.deliver(idOf(n), message({ typ: 'x' }), sender).then(
      () => 'taken',
      (error) => (error instanceof MessageProblem ? error.fault : String(error)),
    )
  assert.equal(await faultOf(1), 'taken')
  const { ts: _, ver: _v, ...first } = got[0] as Record<string, unknown>
  assert.deepEqual(first, { to: 'orders:/', frm: 'shop:/', mid: 'm1', typ: 'x', bdy: {}, sender })
  assert.equal(await faultOf(1), 'throttled')
  assert.equal(await faultOf(1), 'broken')
  assert.equal(await faultOf(1), 'broken')
  // One that stops answering: no more than one waits for it.
  const silent = faultOf(1)
  assert.equal(await faultOf(1), 'throttled')
  assert.equal(await silent, 'timeout')
  // An SDK that knows no messages, and an instance without a line.
  assert.equal(await faultOf(2), 'no-instance')
  assert.equal(await faultOf(3), 'no-instance')
  const cut = faultOf(1)
  service.cut()
  assert.equal(await cut, 'broken')
})
