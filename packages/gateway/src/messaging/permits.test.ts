import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RegistrationInput, registration } from '@hydra-gateway/protocol'
import { parseAddress, readUmf } from '@hydra-gateway/protocol/umf'
import { refusalOf } from '../identity/access.ts'
import type { Caller } from '../identity/port.ts'
import { createLog } from '../observe/log.ts'
import { createPermits } from './permits.ts'
import type { Sender } from './port.ts'

const parsed = (more: Partial<RegistrationInput>) =>
  registration.parse({ name: 'orders', host: '127.0.0.1', port: 1, protocol: 1, ...more })

/** Instances of one service, each with its registration. */
function house(...registrations: Partial<RegistrationInput>[]) {
  const members = new Map(registrations.map((more, i) => [`${i}`, { registration: parsed(more) }]))
  const listeners: ((service: string) => void)[] = []
  const permits = createPermits({
    services: {
      of: (name) => (name === 'orders' ? ({ name, members } as never) : undefined),
      onChange: (listener) => void listeners.push(listener),
    },
    admits: (caller, _service, access) => refusalOf(caller, access, () => ({})),
    log: createLog('silent'),
  })
  return {
    ...permits,
    /** Replaces an instance. */
    now(id: string, more: Partial<RegistrationInput> | undefined) {
      if (more) members.set(id, { registration: parsed(more) })
      else members.delete(id)
      for (const listener of listeners) listener('orders')
    },
    ask(sender: Sender, type: string | undefined, body: unknown = {}, rmid?: string) {
      const message = readUmf(
        { to: 'orders:/', frm: 'x:/', bdy: body, ...(type && { typ: type }), ...(rmid && { rmid }) },
        { now: () => 0, newId: () => 'id' },
      )
      return permits.permit(message, parseAddress(message.to), sender)?.fault
    },
  }
}

const identity = {
  provider: 'local',
  subject: 'mira',
  username: 'mira',
  userId: 1,
  roles: ['CLERK'],
  claims: {},
}
const caller = { identities: [identity], providers: ['local'] } as unknown as Caller
const client = (who?: Caller): Sender => ({ kind: 'client', id: 'c1', caller: who, address: '127.0.0.1' })
const service: Sender = { kind: 'service', service: 'shop', instance: 'a' }
const hearsay: Sender = { ...service, isHearsay: true }
const door: Sender = { kind: 'door', caller: undefined, address: '127.0.0.1' }

test('a service that says nothing takes messages of everybody', () => {
  const { ask } = house({ messages: [{ type: '*' }] })
  for (const sender of [client(), service, hearsay, door]) assert.equal(ask(sender, 'any'), undefined)
})

test('a type for people who are signed in is closed to others, to the router API and to words from Redis', () => {
  const { ask } = house({
    messages: [{ type: 'chat', auth: 'required' }, { type: 'pay', roles: ['ADMIN'] }, { type: 'open' }],
  })
  for (const sender of [client(), door, hearsay]) assert.equal(ask(sender, 'chat'), 'login')
  assert.equal(ask(client(caller), 'chat'), undefined)
  assert.equal(ask(client(caller), 'pay'), 'not-allowed')
  // It holds the keys.
  assert.equal(ask(service, 'pay'), undefined)
  assert.equal(ask(client(), 'open'), undefined)
})

test('types that are not declared follow the others, and these what the whole service says', () => {
  const closed = house({ auth: 'required', messages: [{ type: 'hello', auth: 'optional' }] })
  assert.equal(closed.ask(client(), 'hello'), undefined)
  assert.equal(closed.ask(client(), 'other'), 'login')
  assert.equal(closed.ask(client(), undefined), 'login')
  const others = house({ auth: 'required', messages: [{ type: '*', auth: 'optional' }] })
  assert.equal(others.ask(client(), 'other'), undefined)
})

test('a type may be for clients or for services that hold the keys', () => {
  const { ask } = house({
    messages: [
      { type: 'inside', from: 'services' },
      { type: 'outside', from: 'clients' },
    ],
  })
  assert.deepEqual(
    [client(), door, hearsay, service].map((who) => ask(who, 'inside')),
    ['not-allowed', 'not-allowed', 'not-allowed', undefined],
  )
  assert.deepEqual(
    [client(), service, hearsay].map((who) => ask(who, 'outside')),
    [undefined, 'not-allowed', 'not-allowed'],
  )
})

test('a body that does not fit the schema is refused from whoever sends it', () => {
  const schema = { type: 'object', required: ['id'] }
  const { ask } = house({ messages: [{ type: 'order', schema }] })
  for (const sender of [client(), service, hearsay]) {
    assert.equal(ask(sender, 'order', { no: 1 }), 'schema')
    assert.equal(ask(sender, 'order', { id: 1 }), undefined)
  }
})

test('answers of services come through, those a client makes up are judged as messages', () => {
  const { ask } = house({ messages: [{ type: 'order', schema: { required: ['id'] }, auth: 'required' }] })
  assert.equal(ask(service, 'order', { any: 1 }, 'mid'), undefined)
  assert.equal(ask(hearsay, 'order', { any: 1 }, 'mid'), undefined)
  assert.equal(ask(client(caller), 'order', { any: 1 }, 'mid'), 'schema')
  assert.equal(ask(client(), 'order', { id: 1 }, 'mid'), 'login')
})

test('what can not be kept as it was said closes its type, and its service is told', () => {
  const broken: Partial<RegistrationInput> = {
    messages: [
      { type: 'a', schema: { pattern: 'x' } },
      { type: 'b', auth: 'optional', roles: ['ADMIN'] },
      { type: 'c' },
      { type: 'c', auth: 'required' },
      { type: 'd' },
    ],
  }
  const { ask, refusedOf } = house(broken)
  for (const type of ['a', 'b', 'c']) assert.equal(ask(client(caller), type, { id: 1 }), 'not-allowed')
  assert.equal(ask(client(), 'd'), undefined)
  assert.deepEqual(
    refusedOf(parsed(broken)).map(({ path, reason }) => `${path}: ${reason.slice(0, 24)}`),
    [
      "messages of the type a: its schema can't be used",
      "messages of the type b: it says auth: 'optional'",
      'messages of the type c: it is declared twice; no',
    ],
  )
})

test('while versions of a service say different things all of them hold, and afterwards what is left', () => {
  const world = house({ messages: [{ type: 'chat' }] }, { messages: [{ type: 'chat', auth: 'required' }] })
  assert.equal(world.ask(client(), 'chat'), 'login')
  world.now('1', undefined)
  assert.equal(world.ask(client(), 'chat'), undefined)
  world.now('0', { messages: [{ type: 'chat', roles: ['ADMIN'] }] })
  assert.equal(world.ask(client(caller), 'chat'), 'not-allowed')
})
