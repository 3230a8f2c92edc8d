import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Log } from '../observe/log.ts'
import { createWantedMenus } from './wanted-menus.ts'

function setUp(names: string[]) {
  const lines: unknown[] = []
  const clock = { now: 1, monotonic: () => clock.now }
  const log = { warn: (fields: unknown) => void lines.push(fields) } as Pick<Log, 'warn'>
  const menus = createWantedMenus({ names: () => names, clock, log })
  return { lines, clock, menus }
}
const PAGE = { service: 'shop', path: '/' }

test('a slip is said at once, and once, with what was meant', () => {
  const { menus, lines } = setUp(['main', 'account'])
  menus.missed('mian', PAGE)
  menus.missed('mian', { service: 'other', path: '/x' })
  assert.deepEqual(lines, [{ menu: 'mian', ...PAGE, meant: 'main' }])
  assert.deepEqual(menus.list(), [{ name: 'mian', ...PAGE, meant: 'main' }])
})

test('a menu that may still come is said after a while, and not listed once it is there', () => {
  const names = ['main']
  const { menus, lines, clock } = setUp(names)
  menus.missed('footer', PAGE)
  clock.now += 9000
  menus.missed('footer', PAGE)
  assert.deepEqual(lines, [])
  assert.deepEqual(menus.list(), [{ name: 'footer', ...PAGE }])
  clock.now += 2000
  menus.missed('footer', PAGE)
  menus.missed('footer', PAGE)
  assert.deepEqual(lines, [{ menu: 'footer', ...PAGE }])
  names.push('footer')
  assert.deepEqual(menus.list(), [])
})

test('of any number of names the first are kept', () => {
  const { menus } = setUp([])
  for (let i = 0; i < 1000; i++) menus.missed(`m${i}`, PAGE)
  assert.equal(menus.list().length, 100)
})
