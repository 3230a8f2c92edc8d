/**
 * The command that people type is this project's.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const BIN = fileURLToPath(new URL('../../node_modules/.bin/hydra', import.meta.url))

test('hydra is the command of the gateway, though a library of that name is installed beside it', async () => {
  const { stdout } = await promisify(execFile)(BIN, ['--help'])
  assert.match(stdout, /start/)
  assert.match(stdout, /services/)
})
