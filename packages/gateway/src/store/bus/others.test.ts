import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryBus } from './memory.ts'
import { tellOthers } from './others.ts'

test('what a node tells the others is heard by all of them, under its topic, and not by itself', async () => {
  const bus = createMemoryBus()
  const heard: string[] = []
  const [a, b] = ['a', 'b'].map((name) => tellOthers(bus, 'one', (text) => heard.push(`${name}: ${text}`)))
  tellOthers(bus, 'another', (text) => heard.push(`elsewhere: ${text}`))
  a!('hello')
  b!('')
  assert.deepEqual(heard, ['b: hello', 'a: '])
})

test('a node that is alone, or whose store is away, tells nobody, and goes on', async () => {
  tellOthers(undefined, 'one', assert.fail)('hello')
  const away = { publish: () => Promise.reject(new Error('away')), listen: () => () => {} }
  tellOthers(away, 'one', assert.fail)('hello')
  await new Promise(setImmediate)
})
