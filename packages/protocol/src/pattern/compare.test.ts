import assert from 'node:assert/strict'
import { test } from 'node:test'
import { coversPattern, overlapsPattern } from './compare.ts'
import { parsePattern } from './text.ts'

const pattern = (text: string) => parsePattern(text).patterns[0]!

test('one pattern covers another, or has some paths with it, or none', () => {
  const cases: readonly (readonly [string, string, 'covers' | 'overlaps' | 'apart'])[] = [
    ['/desk', '/desk', 'covers'],
    ['/desk/**', '/desk/a/{id}', 'covers'],
    ['/**', '/desk/**', 'covers'],
    ['/desk/{id}', '/desk/7', 'covers'],
    ['/desk/admin/**', '/desk/**', 'overlaps'],
    ['/desk/7', '/desk/{id}', 'overlaps'],
    ['/{any}/new', '/desk/{id}', 'overlaps'],
    ['/desk/**', '/**', 'overlaps'],
    ['/desk', '/till', 'apart'],
    ['/desk', '/desk/', 'apart'],
    ['/desk/{id}', '/desk', 'apart'],
    ['/desk/{id}/x', '/till/**', 'apart'],
  ]
  for (const [one, other, expected] of cases) {
    const [a, b] = [pattern(one), pattern(other)]
    const found = coversPattern(a, b) ? 'covers' : overlapsPattern(a, b) ? 'overlaps' : 'apart'
    assert.equal(found, expected, `${one} and ${other}`)
    assert.equal(overlapsPattern(a, b), overlapsPattern(b, a), `${one} and ${other}, the other way round`)
  }
})
