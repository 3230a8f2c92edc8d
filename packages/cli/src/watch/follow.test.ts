import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonText } from '../io.ts'
import { follow } from './follow.ts'

test('who answers garbage is followed on, with nothing of it in a header', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const ids: (string | undefined)[] = []
  const seen: string[] = []
  const send = [
    'id: \u{1f600}\nevent: hello\ndata: {"epoch":"e\\n","latest":1,"revision":1,"services":[]}\n\n',
    'id: a\rb\nevent: hello\ndata: {"epoch":"e","latest":1,"revision":1,"services":[]}\n\n',
    'id: e:2\nevent: forgotten\ndata: {"id":2,"at":9e15,"kind":"forgotten","service":"a","reason":"b"}\n\n',
    'id: e:3\nevent: forgotten\ndata: {"id":3,"at":1,"kind":"forgotten","service":"c","reason":"d"}\n\n',
  ]
  let end = (): void => {}
  const stop = follow(
    (_path, headers, { onText, onEnd }) => {
      ids.push(headers['last-event-id'])
      const text = send.shift()
      if (text !== undefined) onText(text)
      end = () => onEnd(undefined)
      return () => {}
    },
    '/',
    {
      onHello: () => void seen.push('hello'),
      onEvent: (event) => void seen.push(event.kind === 'forgotten' ? event.service : event.kind),
      onAway() {},
      onFailed: assert.fail,
    },
  )
  for (let i = 0; i < 4; i++) {
    end()
    t.mock.timers.tick(1000)
  }
  stop()
  assert.deepEqual(ids, [undefined, undefined, 'e:1', 'e:2', 'e:3'])
  assert.deepEqual(seen, ['hello', 'hello', 'c'])
})

test('JSON moves no cursor, and says the same', () => {
  const value = { a: '\u009b2J\u202e\u007f\u001b[2J \u2028 ä' }
  assert.doesNotMatch(jsonText(value, 2), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u202a-\u202e]/)
  assert.deepEqual(JSON.parse(jsonText(value)), value)
})
