import assert from 'node:assert/strict'
import { STATUS_CODES } from 'node:http'
import { test } from 'node:test'
import { reasonOf, statusLine } from './status.ts'

test('a status line has the status and its reason', () => {
  assert.equal(statusLine(200).toString(), 'HTTP/1.1 200 OK\r\n')
  assert.equal(statusLine(404).toString(), 'HTTP/1.1 404 Not Found\r\n')
  assert.equal(statusLine(503), statusLine(503))
})

test('a status nobody named has no reason, and the blank all the same', () => {
  assert.equal(statusLine(299).toString(), 'HTTP/1.1 299 \r\n')
  assert.equal(statusLine(999).toString(), 'HTTP/1.1 999 \r\n')
})

test('what is no status has no line', () => {
  for (const status of [0, 99, 1000, -1, 200.5, Number.NaN])
    assert.throws(() => statusLine(status), RangeError)
})

test('the reasons are those Node knows, or newer', () => {
  const renamed = new Set(['413', '422', '509', '510', '418'])
  for (const [status, reason] of Object.entries(STATUS_CODES)) {
    if (!renamed.has(status)) assert.equal(reasonOf(Number(status)), reason)
  }
})
