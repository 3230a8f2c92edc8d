import assert from 'node:assert/strict'
import { METHODS as NODE_METHODS } from 'node:http'
import { test } from 'node:test'
import { FAULTS } from './faults.ts'
import { RequestHead } from './head.ts'
import { LONGEST_METHOD, METHODS, REFUSED_METHODS } from './methods.ts'
import { parseRequestHead } from './request-head.ts'
import { LIMITS } from './test-support.ts'

function read(method: string): RequestHead | string {
  const bytes = Buffer.from(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`)
  const head = new RequestHead()
  const end = parseRequestHead(bytes, 0, bytes.length, LIMITS, head)
  return end > 0 ? head : FAULTS[-end]!.word
}

test('the known methods are those of Node', () => {
  assert.deepEqual([...METHODS].sort(), [...NODE_METHODS].sort())
  assert.ok(METHODS.every((method) => method.length <= LONGEST_METHOD))
})

test('every known method is read, but for the two that are refused', () => {
  for (const method of METHODS) {
    const head = read(method)
    if (REFUSED_METHODS.has(method)) assert.equal(head, method.toLowerCase())
    else assert.equal((head as RequestHead).method, method)
  }
})

test('a method is only itself', () => {
  for (const method of METHODS) {
    for (const other of [method.toLowerCase(), `${method}X`, `X${method}`, `${method.slice(0, -1)}_`]) {
      assert.equal(read(other), 'unknown-method', other)
    }
  }
})
