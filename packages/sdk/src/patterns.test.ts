import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matchPattern } from '@hydra-gateway/protocol'
import fc from 'fast-check'
import { covers, readPatterns, toSpring } from './patterns.ts'

const one = (text: string) => readPatterns([text], 'test')[0]!

const segment = fc.constantFrom('a', 'b', '7', '{x}', '{x:digits}', '*', 'a{x}')
const patternText = fc
  .tuple(fc.array(segment, { maxLength: 3 }), fc.constantFrom('', '/**', '/{rest+}'))
  .map(([segments, tail]) =>
    segments.length === 0 && tail === '' ? '/' : `/${segments.join('/')}`.replace(/\/$/, '') + tail,
  )
const path = fc.array(fc.constantFrom('a', 'b', '7', 'ab', ''), { minLength: 1, maxLength: 4 })

test('a pattern covers another only when it fits every path the other fits', () => {
  fc.assert(
    fc.property(patternText, patternText, path, (outer, inner, segments) => {
      if (covers(one(outer), one(inner)) && matchPattern(one(inner), segments)) {
        assert.ok(matchPattern(one(outer), segments), `${outer} covers ${inner}`)
      }
    }),
    { numRuns: 2000 },
  )
})

test('a pattern covers itself and what it says it does', () => {
  fc.assert(fc.property(patternText, (text) => covers(one(text), one(text))))
  for (const [outer, inner] of [
    ['/a/**', '/a'],
    ['/a/**', '/a/{id}/b'],
    ['/**', '/'],
    ['/a/*', '/a/{id:digits}'],
    ['/a/{id}', '/a/b'],
  ] as const) {
    assert.ok(covers(one(outer), one(inner)), `${outer} covers ${inner}`)
    assert.ok(!covers(one(inner), one(outer)), `${inner} doesn't cover ${outer}`)
  }
})

test('socket paths are written as Spring reads them', () => {
  const spring: Record<string, string> = {
    '/live': '/live',
    '/live/{room:digits}': '/live/{room:[0-9]+}',
    '/live/{room}.ws': '/live/{room}.ws',
    '/live/*/x': '/live/*/x',
    '/live/**': '/live/**',
    '/live/{rest+}': '/live/{*rest}',
    '/': '/',
  }
  for (const [ours, theirs] of Object.entries(spring)) assert.equal(toSpring(one(ours)), theirs)
})
