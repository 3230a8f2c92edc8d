import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { MenuView } from './menu.ts'
import { menuMarkup } from './menu-markup.ts'
import { createMenuTexts } from './menu-texts.ts'

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

const view = (label: string): MenuView => ({
  name: 'main',
  items: [{ path: '/a', label, state: 'available' }],
})

test('what was made before is what would be made now', () => {
  const textOf = createMenuTexts()
  const one = view('One')
  const all = [
    {},
    { current: '/a' },
    { current: '/a?x' },
    { class: 'a' },
    { id: 'a' },
    { class: 'a', id: 'a' },
  ]
  for (const options of [...all, ...all]) assert.equal(textOf(one, options), menuMarkup(one, options))
  assert.match(textOf(view('Two'), {}), /Two/)
})

test('however many visitors see something else, and wherever they are, little is kept', () => {
  const textOf = createMenuTexts()
  const views = Array.from({ length: 100 }, (_, at) => view(`${at}`.padEnd(60_000, 'x')))
  collect()
  const before = process.memoryUsage().heapUsed
  // Texts of pieces are whole once somebody looked into them, as whoever sends them does.
  for (const one of views)
    for (let at = 0; at < 20; at++) assert.ok(Buffer.from(textOf(one, { class: `c${at}` })).length > 60_000)
  collect()
  const keptMiB = (process.memoryUsage().heapUsed - before) / 2 ** 20
  assert.ok(keptMiB < 30, `${keptMiB} MiB`)
  for (const one of views) assert.equal(textOf(one, {}), menuMarkup(one, {}))
})
