import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEvents } from './events.ts'

test('a listener hears what happens until it is taken off', () => {
  const events = createEvents<{ said: string }>(() => assert.fail())
  const heard: string[] = []
  const end = events.on('said', (word) => heard.push(word))
  events.emit('said', 'one')
  end()
  events.emit('said', 'two')
  assert.deepEqual(heard, ['one'])
})

test('a listener that throws neither stops the others nor the service', () => {
  const faults: unknown[] = []
  const events = createEvents<{ said: string }>((fault) => faults.push(fault))
  const heard: string[] = []
  const fault = new Error('broken listener')
  events.on('said', () => {
    throw fault
  })
  events.on('said', (word) => heard.push(word))
  events.emit('said', 'one')
  assert.deepEqual(heard, ['one'])
  assert.deepEqual(faults, [fault])
})

test('an error nobody listens to is not thrown', () => {
  createEvents<{ error: Error }>(() => assert.fail()).emit('error', new Error('gateway away'))
})
