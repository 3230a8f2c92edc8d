import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logOf, nameForLog } from './log.ts'

test('no message moves the cursor of a terminal; lines and tabs stay', () => {
  const lines: string[] = []
  const say = (line: string) => void lines.push(line)
  const log = logOf({ info: say, warn: say, error: say })
  log.error('Error: \x1b[2J\r\x07 \x9b1m\n\tat é')
  assert.deepEqual(lines, ['hydra: Error: \\u001b[2J\\u000d\\u0007 \\u009b1m\n\tat é'])
})

test('a name stays in its line, however long', () => {
  assert.equal(nameForLog('ab\nc\x7f'), 'ab\\u000ac\\u007f')
  assert.equal(nameForLog('x'.repeat(1000)), `${'x'.repeat(256)}…`)
})
