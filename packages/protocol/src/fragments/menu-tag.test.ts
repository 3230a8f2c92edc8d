import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readMenuTag } from './menu-tag.ts'

const at = { line: 3, column: 5 }

test('a menu tag says which menu it wants, and what its element is called', () => {
  const { tag, prefix, faults, warnings } = readMenuTag(
    '<M:Menu NAME=" main " class=\'a &amp; b\' id=nav current="/orders?x" data-x=1>',
    at,
  )
  assert.deepEqual(tag, { name: 'main', class: 'a & b', id: 'nav', current: '/orders?x', at })
  assert.equal(prefix, 'm')
  assert.deepEqual([faults, warnings], [[], []])
  assert.deepEqual(readMenuTag('<m:menu name=main/>', at).tag.name, 'main/')
})

test('one without a name says what to write', () => {
  for (const text of ['<x:menu>', '<x:menu name>', '<x:menu name=" ">']) {
    const { tag, faults } = readMenuTag(text, at)
    assert.equal(tag.name, '')
    assert.match(faults[0]!.sentence, /which menu it wants: write <x:menu name="main">/)
  }
  assert.match(readMenuTag(`<m:menu name=${'x'.repeat(129)}>`, at).faults[0]!.sentence, /at most 128/)
})

test('likely mistakes are told with their place', () => {
  const { warnings } = readMenuTag('<m:menu\nname=main nmae=x name=b>', at)
  assert.deepEqual(
    warnings.map(({ at, sentence }) => `${at.line}:${at.column} ${sentence}`),
    [
      '4:11 "nmae" means nothing; did you mean name?',
      '4:18 name stands here a second time: only the first one counts',
    ],
  )
  assert.match(readMenuTag('<m:menu name=main/>', at).warnings[0]!.sentence, /the slash belongs to the value/)
})
