import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { createStyle } from '@hydra-gateway/gateway/terminal'
import { createLogReader } from './event.ts'
import { createFigures } from './figures.ts'
import { type Row, renderScreen, type ScreenFacts } from './screen.ts'

const style = (columns: number, env: Record<string, string> = { LANG: 'C.UTF-8', NO_COLOR: '1' }) =>
  createStyle({ isTerminal: true, columns, env })

const row: Row = {
  state: 'available',
  service: 'home',
  version: '2.4.0',
  serving: 1,
  started: 1,
  perSecond: 41.4,
  medianMs: 8.94,
  menu: ['Home'],
}
const orders: Row = {
  ...row,
  state: 'down',
  service: 'orders',
  version: '3.1.2',
  serving: 0,
  perSecond: 0,
  medianMs: undefined,
  menu: ['Orders'],
}
const facts: ScreenFacts = {
  url: 'http://localhost:8080',
  watchCommand: 'npx hydra watch --config /tmp/hydra-demo-Ab3dEf/hydra.config.json',
  rows: [row, orders],
  events: Array.from({ length: 40 }, (_, at) => ({ at, service: 'home', text: `hom-1 event ${at}` })),
  chosen: 1,
  totals: { answered: 1204, fallbacks: 3, failed: 0 },
  isLoaded: true,
  showsHelp: false,
  height: 24,
}

test('the table shows state, version, instances, figures and menu at 80 columns', () => {
  const lines = renderScreen(facts, style(80))
  assert.equal(lines[0], `ψ hydra demo${' '.repeat(45)}http://localhost:8080`)
  assert.match(stripVTControlCharacters(lines[1]!), /^ {2}sign in as mira \(pond-boots\), or as ada/)
  assert.equal(lines[2], `  ${facts.watchCommand}`)
  assert.equal(lines[4], '     STATE         SERVICE  VERSION  INSTANCES  REQ/S  MEDIAN  MENU')
  assert.equal(lines[5], '  1  ● available   home     2.4.0       1 of 1     41  8.9 ms  Home')
  assert.equal(lines[6], '> 2  ✕ down        orders   3.1.2       0 of 1      0       -  Orders, disabled')
  assert.ok(lines.includes('  Answered 1,204   Fallbacks 3   Failed 0   Load on'))
})

test('the menu of a service that only serves badly is not disabled', () => {
  const [, , , , , line] = renderScreen({ ...facts, rows: [{ ...row, state: 'degraded' }] }, style(80))
  assert.match(line!, /degraded .*Home$/)
  const two = { ...orders, menu: ['Orders', 'Desk'] }
  assert.match(renderScreen({ ...facts, rows: [two] }, style(80))[5]!, /down .*2 items, disabled$/)
})

test('a narrow terminal loses columns, never the state or the service', () => {
  const lines = renderScreen(facts, style(48, { LANG: 'C' }))
  const shown = lines.map(stripVTControlCharacters)
  assert.equal(shown[3], '     STATE         SERVICE  INSTANCES  REQ/S')
  assert.equal(shown[5]?.trimEnd(), '> 2  x down        orders      0 of 1      0')
})

test('the screen is never wider or higher than the terminal', () => {
  for (const columns of [20, 48, 79, 80, 200]) {
    for (const height of [10, 24, 60]) {
      for (const showsHelp of [true, false]) {
        const lines = renderScreen({ ...facts, height, showsHelp }, style(columns, { LANG: 'C.UTF-8' }))
        assert.ok(lines.length <= height)
        for (const line of lines) assert.ok([...stripVTControlCharacters(line)].length <= columns, line)
      }
    }
  }
})

test('the last events are shown, and the keys keep their place while they come', () => {
  const full = renderScreen(facts, style(80))
  const empty = renderScreen({ ...facts, events: [] }, style(80))
  assert.ok(full.some((line) => line.endsWith('event 39')))
  assert.equal(full.length, empty.length)
  assert.equal(full.at(-1), empty.at(-1))
})

test('events say who is left when an instance goes', () => {
  const { read } = createLogReader()
  const line = (msg: string, instance: string, more = {}) => ({
    msg,
    service: 'catalog',
    instance,
    time: '2026-11-20T14:03:27.412Z',
    ...more,
  })
  read(line('instance registered', 'aaaa1111'))
  read(line('instance registered', 'bbbb2222'))
  const closed = { reason: 'channel closed' }
  assert.equal(
    read(line('instance out of rotation', 'aaaa1111', closed))?.text,
    'cat-aaaa out at once, channel closed; 1 left',
  )
  assert.equal(read(line('instance left', 'aaaa1111', { reason: 'its channel did not return' })), undefined)
  const last = read(line('instance left', 'bbbb2222', { reason: 'it deregistered' }))
  assert.deepEqual([last?.state, last?.text], ['down', 'cat-bbbb left politely'])
})

test('figures follow instances that come and go, and forget what is old', () => {
  const figures = createFigures()
  const counted = (instances: Record<string, number>, now: number) =>
    figures.counted(
      [
        {
          name: 'home',
          state: 'available',
          versions: [],
          menuItems: {},
          instances: Object.entries(instances).map(([id, requests]) => ({
            id,
            requests,
            state: 'available',
          })),
        },
      ],
      now,
    )
  counted({ a: 0, b: 0 }, 0)
  counted({ a: 10, b: 10 }, 1000)
  counted({ b: 20, c: 10 }, 2000)
  assert.equal(figures.perSecond('home', 2000), 20)
  assert.equal(figures.perSecond('home', 9000), 0)

  for (const durationMs of [1, 5, 30]) {
    figures.exchange({ status: 200, service: 'home', durationMs, path: '/' }, 0)
  }
  figures.exchange({ status: 101, service: 'home', durationMs: 60_000, path: '/live' }, 0)
  figures.exchange({ status: 503, service: 'home', durationMs: 1, path: '/' }, 0)
  figures.exchange({ status: 502, service: 'home', durationMs: 1, path: '/' }, 0)
  assert.equal(figures.medianMs('home', 0), 5)
  assert.equal(figures.medianMs('home', 9000), undefined)
  assert.deepEqual(figures.totals, { answered: 4, fallbacks: 1, failed: 1 })
})
