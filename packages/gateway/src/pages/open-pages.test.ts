import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LinkState, MenuView } from '@hydra-gateway/protocol'
import { openPagesOf } from './open-pages.ts'

const view = (name: string, ...items: [string, LinkState][]): [string, MenuView] => [
  name,
  { name, items: items.map(([label, state]) => ({ path: `/${label}`, label, state })) },
]
const open = (...views: [string, MenuView][]) => {
  const all = new Map(views)
  return openPagesOf(
    () => [...all.keys()],
    (name) => all.get(name),
  ).map(({ path }) => path)
}

test('what is down is no link, what is slow is one', () => {
  assert.deepEqual(open(view('main', ['a', 'available'], ['b', 'down'], ['c', 'degraded'])), ['/a', '/c'])
})

test('without a main menu the first one with something for the visitor', () => {
  const account = view('account', ['me', 'available'])
  assert.deepEqual(open(view('admin'), account, view('foot', ['imprint', 'available'])), ['/me'])
  assert.deepEqual(open(account, view('main')), ['/me'])
  assert.deepEqual(
    open(account, view('main', ['a', 'down'])),
    [],
    'the main menu, though nothing of it is there',
  )
  assert.deepEqual(open(), [])
})
