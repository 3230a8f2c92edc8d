import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createStyle } from '@hydra-gateway/gateway/terminal'
import type { SiteEvent } from '@hydra-gateway/protocol'
import { widthOf } from '../table.ts'
import { createLines, type Line, opening, plainLine, terminalLines, type Widths } from './lines.ts'

const at = Date.UTC(2026, 10, 20, 14, 3, 27, 412)
const style = createStyle({ isTerminal: false, env: { LANG: 'C.UTF-8' } })
const id = 'ord-72aabbccddeeff'
const down: SiteEvent = {
  id: 1,
  at,
  kind: 'service',
  service: 'orders',
  state: 'down',
  before: 'available',
  reason: 'connection closed',
  instance: id,
  version: '3.1.2',
}
const lost: SiteEvent = {
  id: 2,
  at,
  kind: 'instance',
  service: 'orders',
  instance: id,
  version: '3.1.2',
  state: 'recovering',
  reason: 'connection closed',
}
const plain = (events: readonly SiteEvent[]): string[] => {
  const lines = createLines()
  return events.flatMap((event) => {
    const line = lines.read(event)
    return line ? [plainLine(line)] : []
  })
}

test('a change of one instance that visitors feel is one line', () => {
  assert.deepEqual(plain([down, lost]), [
    '2026-11-20T14:03:27.412Z down orders 3.1.2 ord-72aa connection closed',
  ])
  assert.deepEqual(plain([lost]), [
    '2026-11-20T14:03:27.412Z recovering orders 3.1.2 ord-72aa connection closed',
  ])
  const other = { ...lost, instance: 'another', state: 'gone' } as const
  assert.equal(plain([down, other, lost]).length, 2)
})

test('how long a service was away is said when it is back', () => {
  const back = {
    ...down,
    id: 3,
    at: at + 4210,
    state: 'available',
    before: 'down',
    reason: 'it registered',
  } as const
  assert.match(
    plain([down, lost, back]).at(-1)!,
    / available orders 3\.1\.2 ord-72aa it registered, 4\.2 s later$/,
  )
  const lines = createLines()
  lines.learn({
    epoch: 'e',
    latest: 0,
    revision: 1,
    services: [{ name: 'orders', state: 'down', downSince: at - 7_200_000 }],
  })
  assert.match(plainLine(lines.read({ ...back, at })!), / it registered, 2 h later$/)
})

test('routes, menus, what is forgotten and what is missed are said in a few words', () => {
  const paths = Array.from({ length: 5 }, (_, index) => `/${index}`)
  assert.deepEqual(
    plain([
      { id: 1, at, kind: 'routes', service: 'shop', added: ['/a', '/b'], removed: paths, more: 1200 },
      { id: 2, at, kind: 'menu', menu: 'main', changed: paths, more: 3 },
      { id: 3, at, kind: 'forgotten', service: 'shop', reason: 'an operator asked for it' },
      { id: 9, at, kind: 'missed', count: 6 },
    ]).map((line) => line.slice('2026-11-20T14:03:27.412Z '.length)),
    [
      'routes shop added /a, /b; removed /0, /1, /2 and 2 more; 1,200 more',
      'menu main changed: /0, /1, /2 and 5 more',
      'forgotten shop an operator asked for it',
      'missed 6 events are not kept any more',
    ],
  )
})

const line: Line = {
  at,
  word: 'down',
  name: 'orders',
  version: '3.1.2',
  instance: 'ord-72aa',
  text: 'connection closed',
}

test('a line of a terminal keeps its columns, and a narrow one has fewer', () => {
  const widths: Widths = { name: 8, version: 5 }
  const shown = (columns: number, of: Partial<Line> = {}) =>
    terminalLines({ ...line, ...of }, style, columns, widths)
  assert.match(shown(90)[0]!, /✕ down {8}orders {4}3\.1\.2 {2}ord-72aa {2}connection closed$/)
  assert.match(shown(70)[0]!, /✕ down {8}orders {4}3\.1\.2 {2}connection/)
  assert.match(shown(50)[0]!, /✕ down {8}orders {4}connection/)
  assert.match(
    shown(90, { word: 'menu', name: 'main', version: '', instance: '' })[0]!,
    / {4}menu {8}main {6}connection closed$/,
  )
  for (const columns of [50, 60, 80, 120])
    for (const text of terminalLines({ ...line, text: 'word '.repeat(40).trim() }, style, columns, widths))
      assert.ok(widthOf(text) <= columns, text)
})

test('names from outside move no cursor, and wide ones keep the columns', () => {
  const widths: Widths = { name: 4, version: 1 }
  const evil = { ...line, name: '注文', text: 'a\u001b[2Jb\u202e' }
  const [text] = terminalLines(evil, style, 90, widths)
  assert.doesNotMatch(text!, /[\u001b\u202e]/)
  assert.match(text!, /注文 {2}3\.1\.2/)
  assert.doesNotMatch(plainLine(evil), /\u001b/)
})

test('it opens with how things are, in ASCII where the terminal has no more', () => {
  const hello = {
    epoch: 'e',
    latest: 7,
    revision: 4127,
    services: [
      { name: 'orders', state: 'down', downSince: Date.now() },
      { name: 'shop', state: 'available' },
    ],
  } as const
  const ascii = createStyle({ isTerminal: false, env: {} })
  const [head, how] = opening({ ...hello, services: [...hello.services] }, 'http://localhost:8080', ascii)
  assert.equal(head, 'watching http://localhost:8080   revision 4,127')
  assert.match(how!, /^ {2}1 of 2 services serve; orders is down since \d\d:\d\d:\d\d\.$/)
})
