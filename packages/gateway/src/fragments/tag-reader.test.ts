import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseFragmentTag } from '@hydra-gateway/protocol/fragments'
import { createTagReader } from './tag-reader.ts'

test('the same tag means the same on every page, and knows where it stands on each', () => {
  const read = createTagReader()
  const text = '<m:fragment service="orders" ref="buy" imports="sku as good" timeout="1.5s" required>'
  for (const at of [
    { line: 1, column: 1 },
    { line: 7, column: 30 },
  ]) {
    const { tag, prefix } = read(text, at)
    assert.deepEqual({ tag, prefix }, (({ tag, prefix }) => ({ tag, prefix }))(parseFragmentTag(text, at)))
  }
})

test('what is likely a mistake in a tag is told wherever the tag stands', () => {
  const read = createTagReader()
  for (const line of [1, 9]) {
    const { warnings } = read('<m:fragment service="orders" ref="buy" requird>', { line, column: 1 })
    assert.deepEqual(warnings, ['"requird" means nothing; did you mean required?'])
  }
})

test('a tag with a fault is told each time, at its own place', () => {
  const read = createTagReader()
  for (const line of [3, 9])
    assert.throws(
      () => read('<m:fragment service="orders">', { line, column: 1 }),
      new RegExp(`line ${line}|${line}:1`),
    )
})

test('pages whose tags are all different are read as well', () => {
  const read = createTagReader()
  for (let i = 0; i < 5000; i++) {
    const { tag } = read(`<m:fragment service="s" ref="r${i}">`, { line: 1, column: 1 })
    assert.equal(tag.ref, `r${i}`)
  }
})
