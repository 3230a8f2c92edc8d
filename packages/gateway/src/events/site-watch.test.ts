import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type RegistrationInput,
  registration,
  type ServiceState,
  type SiteEvent,
} from '@hydra-gateway/protocol'
import fc from 'fast-check'
import { memberState, serviceState } from '../registry/overview.ts'
import { setUpRegistry } from '../registry/testing/registry-rig.ts'
import { createJournal } from './journal.ts'
import { watchSite } from './site-watch.ts'

function setUp() {
  const { clock, registry, vitals, live, log } = setUpRegistry()
  const journal = createJournal({ kept: 10_000, clock, log })
  const degraded = new Set<string>()
  const states = {
    service: (entry: Parameters<typeof serviceState>[0]): ServiceState => {
      const state = serviceState(entry, vitals)
      return state === 'available' && degraded.has(entry.name) ? 'degraded' : state
    },
    instance: (member: Parameters<typeof memberState>[0]) => memberState(member, vitals),
  }
  const stop = watchSite({ registry, states, table: () => live.table, events: journal })
  const idOf = (port: number): string => port.toString(16).padStart(32, '0')
  const join = (name: string, port: number, paths: string[], more: Partial<RegistrationInput> = {}) =>
    registry.register(
      registration.parse({
        name,
        host: '127.0.0.1',
        port,
        version: '1.0.0',
        instanceId: idOf(port),
        routes: paths.map((path) => ({ path })),
        ...more,
      }),
      { channel: 'rsocket', peer: '127.0.0.1' },
    )
  let place = 0
  /** Events since the last look, in short. */
  const news = (): string[] => {
    const events = journal.after(place)
    place = journal.latest
    return events.map(short)
  }
  return { clock, live, registry, vitals, journal, states, stop, join, idOf, news, degraded }
}

function short(event: SiteEvent): string {
  switch (event.kind) {
    case 'service':
      return `${event.service} ${event.before ?? '-'} > ${event.state}: ${event.reason}`
    case 'instance':
      return `${event.service} #${Number.parseInt(event.instance, 16)} ${event.state}: ${event.reason}`
    case 'forgotten':
      return `${event.service} forgotten: ${event.reason}`
    case 'routes':
      return `${event.service} +${event.added} -${event.removed}`
    case 'menu':
      return `menu ${event.menu} ${event.changed}`
    case 'missed':
      return `missed ${event.count}`
  }
}

test('what happens to an instance is said in the same tick, with its reason', async () => {
  const { clock, registry, vitals, join, idOf, news } = setUp()
  await join('orders', 1, ['/orders'], { menuItems: { main: [{ endpoint: '/orders', label: 'Orders' }] } })
  assert.deepEqual(news(), [
    'orders - > available: it registered',
    'orders #1 available: it registered',
    'orders +/orders -',
  ])
  clock.advance(10)
  assert.deepEqual(news(), ['menu main /orders'])

  registry.suspend(idOf(1), 'connection closed')
  assert.deepEqual(news(), [
    'orders available > down: connection closed',
    'orders #1 recovering: connection closed',
  ])
  registry.beat(idOf(1))
  assert.deepEqual(news(), [
    'orders down > available: its channel is back',
    'orders #1 available: its channel is back',
  ])
  clock.advance(10)
  news()

  await join('orders', 2, ['/orders'])
  assert.deepEqual(news(), ['orders #2 available: it registered'])
  vitals.rest(idOf(2))
  assert.deepEqual(news(), ['orders #2 down: it refuses connections'])
  vitals.revive(idOf(2))
  assert.deepEqual(news(), ['orders #2 available: it accepts connections again'])
  registry.deregister(idOf(2))
  assert.deepEqual(news(), ['orders #2 gone: it deregistered'])

  clock.advance(5500)
  assert.deepEqual(
    news().filter((line) => !line.startsWith('menu')),
    ['orders available > down: lease ran out after 5 s', 'orders #1 gone: lease ran out after 5 s'],
  )
  registry.forget('orders')
  assert.deepEqual(news(), ['orders + -/orders', 'orders forgotten: an operator asked for it'])
})

test('routes another service has come and go with it', async () => {
  const { registry, join, idOf, news } = setUp()
  await join('first', 1, ['/same', '/one'])
  news()
  await join('second', 2, ['/same', '/two'])
  assert.deepEqual(news().at(-1), 'second +/two -')
  registry.deregister(idOf(1), { forget: true })
  const said = news()
  assert.ok(said.includes('first + -/same,/one'), said.join('\n'))
  assert.equal(said.at(-1), 'second +/same -')
})

test('a new version that declares other routes is told as the difference', async () => {
  const { join, news } = setUp()
  await join('shop', 1, ['/a', '/b'])
  news()
  await join('shop', 1, ['/b', '/c'], { version: '2.0.0' })
  assert.deepEqual(news(), ['shop #1 available: it registered again', 'shop +/c -/a'])
  await join('shop', 1, ['/b', '/c'], { version: '2.0.0' })
  assert.deepEqual(news(), [])
})

test('what changed without a word is found with the next overview', async () => {
  const { clock, join, news, degraded } = setUp()
  await join('orders', 1, ['/orders'])
  clock.advance(10)
  news()
  degraded.add('orders')
  await join('other', 2, ['/other'])
  clock.advance(10)
  assert.equal(news().at(-1), 'orders available > degraded: it fails, or is slow, more often than usual')
  degraded.clear()
  await join('third', 3, ['/third'])
  clock.advance(10)
  assert.equal(news().at(-1), 'orders degraded > available: it answers as usual again')
})

test('whoever replays the events knows every state and every route, whatever happened', async () => {
  const port = fc.integer({ min: 1, max: 4 })
  const step = fc.oneof(
    fc.record({ join: port, paths: fc.subarray(['/a', '/b', '/same']) }),
    fc.record({ suspend: port }),
    fc.record({ beat: port }),
    fc.record({ rest: port }),
    fc.record({ revive: port }),
    fc.record({ drain: port }),
    fc.record({ resume: port }),
    fc.record({ leave: port, forget: fc.boolean() }),
    fc.record({ forget: fc.constantFrom('odd', 'even') }),
    fc.record({ wait: fc.constantFrom(10, 1000, 6000, 31_000) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25, size: 'max' }), async (steps) => {
      const site = setUp()
      const services = new Map<string, string>()
      const instances = new Map<string, string>()
      const routes = new Map<string, Set<string>>()
      site.journal.onEvent((event) => {
        if (event.kind === 'service') {
          assert.equal(event.before, services.get(event.service))
          assert.notEqual(event.before, event.state)
          services.set(event.service, event.state)
        } else if (event.kind === 'instance') {
          if (event.state === 'gone') assert.ok(instances.delete(event.instance))
          else instances.set(event.instance, event.state)
        } else if (event.kind === 'forgotten') services.delete(event.service)
        else if (event.kind === 'routes') {
          const known = routes.get(event.service) ?? new Set()
          for (const path of event.added) assert.ok(!known.has(path) && known.add(path))
          for (const path of event.removed) assert.ok(known.delete(path))
          routes.set(event.service, known)
        }
      })
      for (const one of steps) {
        if ('join' in one) {
          const name = one.join % 2 === 0 ? 'even' : 'odd'
          await site.join(name, one.join, [`/${name}`, ...one.paths])
        } else if ('suspend' in one) site.registry.suspend(site.idOf(one.suspend), 'connection closed')
        else if ('beat' in one) site.registry.beat(site.idOf(one.beat))
        else if ('rest' in one) site.vitals.rest(site.idOf(one.rest))
        else if ('revive' in one) site.vitals.revive(site.idOf(one.revive))
        else if ('drain' in one) site.registry.drain(site.idOf(one.drain), 'an operator drains it')
        else if ('resume' in one) site.registry.resume(site.idOf(one.resume), 'an operator put it back')
        else if ('leave' in one) site.registry.deregister(site.idOf(one.leave), { forget: one.forget })
        else if ('wait' in one) site.clock.advance(one.wait)
        else site.registry.forget(one.forget)

        const entries = [...site.registry.entries()]
        assert.deepEqual(
          Object.fromEntries(services),
          Object.fromEntries(entries.map((entry) => [entry.name, site.states.service(entry)])),
        )
        assert.deepEqual(
          Object.fromEntries(instances),
          Object.fromEntries(
            entries.flatMap(({ members }) =>
              [...members.values()].map((member) => [member.id, site.states.instance(member)]),
            ),
          ),
        )
        const served: Record<string, string[]> = {}
        for (const { service, pattern } of site.live.table.routes())
          served[service] = [...(served[service] ?? []), pattern.text].sort()
        const told = [...routes].filter(([, paths]) => paths.size > 0)
        assert.deepEqual(
          Object.fromEntries(told.map(([service, paths]) => [service, [...paths].sort()])),
          served,
        )
      }
      site.stop()
      site.registry.stop()
    }),
    { numRuns: 150 },
  )
})
