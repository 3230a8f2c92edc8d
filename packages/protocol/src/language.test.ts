import assert from 'node:assert/strict'
import { test } from 'node:test'
import { preferredLanguage } from './language.ts'

test('fragments are told the language a visitor likes best', () => {
  for (const [said, language] of [
    [undefined, undefined],
    ['nl-BE, fr;q=0.8', 'nl-BE'],
    ['fr;q=0.5, de;q=0.9, *', 'de'],
    ['en;q=0', undefined],
    ['<script>, q=1;;, it', 'it'],
    ['a'.repeat(2000), undefined],
  ] as const)
    assert.equal(preferredLanguage(said), language)
})
