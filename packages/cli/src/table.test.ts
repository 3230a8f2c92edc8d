import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createStyle } from '@hydra-gateway/gateway/terminal'
import { type Column, formatTable, printable, widthOf } from './table.ts'

interface Row {
  readonly state: string
  readonly name: string
  readonly count: number
  readonly menu: string
}
const columns: Column<Row>[] = [
  { title: 'STATE', cell: ({ state }) => state },
  { title: 'SERVICE', cell: ({ name }) => name },
  { title: 'REQUESTS', align: 'right', cell: ({ count }) => String(count) },
  { title: 'MENU', cell: ({ menu }) => menu },
]
const rows: Row[] = [
  { state: '● available', name: 'home', count: 1204, menu: 'Home, Catalog' },
  { state: '✕ down', name: '注文', count: 7, menu: '' },
]
const styleOf = (columns: number) =>
  createStyle({ isTerminal: true, columns, env: { LANG: 'C.UTF-8', NO_COLOR: '1' } })

test('columns line up, numbers to the right, wide characters measured', () => {
  assert.deepEqual(formatTable(rows, columns, styleOf(80)), [
    '  STATE        SERVICE  REQUESTS  MENU',
    '  ● available  home         1204  Home, Catalog',
    '  ✕ down       注文            7',
  ])
})

test('a narrow terminal loses columns from the right, but never state and service', () => {
  assert.equal(formatTable(rows, columns, styleOf(40))[0], '  STATE        SERVICE  REQUESTS')
  assert.equal(formatTable(rows, columns, styleOf(5))[0], '  STATE        SERVICE')
})

test('colours take no room', () => {
  assert.equal(widthOf('\u001b[1;31m✕ down\u001b[0m'), 6)
  assert.equal(widthOf('😀注a'), 5)
})

test('a name from outside can’t move the cursor, colour the terminal or turn text round', () => {
  assert.equal(printable('a\u001b[2Jb\r\nc\u202ed\u009b'), 'a\ufffd[2Jb\ufffd\ufffdc\ufffdd\ufffd')
})
