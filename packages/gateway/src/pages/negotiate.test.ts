import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { prefersHtml } from './negotiate.ts'

const PEOPLE = [
  'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'text/html',
  'TEXT/HTML',
  'text/html;level=1',
  'text/html, application/json',
  'application/json, text/html',
  'application/json;q=0.9, text/html;q=0.9',
  'text/html;q=0.2, */*;q=0.1',
  'text/*',
  'text/html, application/problem+json;q=0.9',
]
const MACHINES = [
  undefined,
  '',
  '*/*',
  'application/json',
  'application/problem+json',
  'application/json, text/plain, */*',
  'application/json, text/html;q=0.9',
  'text/html;q=0.5, */*',
  'text/html;q=0',
  'text/html;q=0, */*',
  'text/html;q=nonsense',
  'text/html;q=2',
  'image/avif,image/webp,*/*;q=0.8',
  'text/event-stream',
  'text/html;q=0.3, application/problem+json;q=0.5',
]

for (const accept of PEOPLE)
  test(`Accept "${accept}" is a person`, () => assert.equal(prefersHtml(accept), true))
for (const accept of MACHINES)
  test(`Accept "${accept}" is a machine`, () => assert.equal(prefersHtml(accept), false))

test('no Accept header is too strange to decide about', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 400 }),
      (accept) => typeof prefersHtml(accept) === 'boolean',
    ),
  )
})
