import assert from 'node:assert/strict'
import { test } from 'node:test'
import { textFrame } from './text-frame.ts'

const frames: readonly (readonly [what: string, text: string, head: string])[] = [
  ['nothing', '', '8100'],
  ['a short text', 'x'.repeat(125), '817d'],
  ['the shortest that needs two bytes', 'x'.repeat(126), '817e007e'],
  ['the longest that fits into two bytes', 'x'.repeat(65_535), '817effff'],
  ['the shortest that needs eight bytes', 'x'.repeat(65_536), '817f0000000000010000'],
  ['what has more bytes than characters', 'ä€😀'.repeat(14), '817e007e'],
  ['half a character', 'a\ud83d', '8104'],
]

for (const [what, text, head] of frames) {
  test(`a frame of text says how long it is: ${what}`, () => {
    const frame = textFrame(text)
    const from = head.length / 2
    assert.equal(frame.subarray(0, from).toString('hex'), head)
    assert.deepEqual(frame.subarray(from), Buffer.from(text))
  })
}
