import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PatternError } from './pattern.ts'
import { readFlywheelRoute } from './route-member.ts'

const READ: readonly (readonly [member: string, methods: readonly string[] | undefined, path: string])[] = [
  ['[get]/v1/orders/:id', ['GET'], '/v1/orders/:id'],
  ['[get]/', ['GET'], '/'],
  ['[get,post]/v1/orders', ['GET', 'POST'], '/v1/orders'],
  ['[ get , POST,get]/v1/orders', ['GET', 'POST'], '/v1/orders'],
  ['[m-search]/', ['M-SEARCH'], '/'],
  ['/v1/orders', undefined, '/v1/orders'],
  ['[]/v1/orders', undefined, '/v1/orders'],
  ['/v1/[x]', undefined, '/v1/[x]'],
  ['[get]/v1/[x]', ['GET'], '/v1/[x]'],
]

for (const [member, methods, path] of READ) {
  test(`${JSON.stringify(member)} is ${methods?.join(' and ') ?? 'any method'} of ${JSON.stringify(path)}`, () => {
    assert.deepEqual(readFlywheelRoute(member), { methods, path })
  })
}

// What has no path was matched by no request in hydra-router, and would take `/` here.
for (const member of ['[get/v1/orders', '[', '[get post]/', '[é]/', '', '[get]', '[]']) {
  test(`${JSON.stringify(member)} is refused with a reason`, () => {
    assert.throws(() => readFlywheelRoute(member), PatternError)
  })
}
