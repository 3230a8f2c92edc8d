import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createSseReader, type Message } from './sse.ts'

const read = (...texts: string[]): Message[] => {
  const messages: Message[] = []
  const { push } = createSseReader((message) => messages.push(message))
  for (const text of texts) push(text)
  return messages
}

test('messages are read with their ids, comments and unknown fields are passed over', () => {
  const text =
    'retry: 1000\nevent: hello\ndata: {}\n\n:\n\nid: a:1\nevent: menu\ndata: 1\ndata:2\n\nid: a:2\n\ndata: x'
  assert.deepEqual(
    read(text).filter(({ event, id }) => event !== '' || id !== ''),
    [
      { id: '', event: 'hello', data: '{}' },
      { id: 'a:1', event: 'menu', data: '1\n2' },
      { id: 'a:2', event: '', data: '' },
    ],
  )
})

test('however the text is cut, the messages are the same', () => {
  const text = 'id: a:1\r\nevent: menu\r\ndata: ä…\r\n\r\n:\n\nevent: x\ndata: {"a":"b: c"}\n\n'
  fc.assert(
    fc.property(fc.array(fc.nat({ max: text.length }), { maxLength: 10 }), (cuts) => {
      const places = [0, ...cuts.sort((a, b) => a - b), text.length]
      const parts = places.slice(1).map((end, index) => text.slice(places[index], end))
      assert.deepEqual(read(...parts), read(text))
    }),
  )
})

test('a line or a message that never ends is passed over, and what comes behind it is read', () => {
  const messages: Message[] = []
  const { push } = createSseReader((message) => messages.push(message))
  const piece = 'x'.repeat(1024 * 1024)
  const line = `data: ${piece}\n`
  const began = performance.now()
  for (let i = 0; i < 200; i++) push(piece)
  push('x\nevent: menu\ndata: 1\n\n')
  for (let i = 0; i < 200; i++) push(line)
  push('\nevent: menu\ndata: 2\n\n')
  assert.ok(performance.now() - began < 5000)
  assert.deepEqual(
    messages.map(({ event, data }) => event + data),
    ['menu1', '', 'menu2'],
  )
})
