import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { enableCompileCache, getCompileCacheDir } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { startWorkerProcess } from './process.ts'

test('a worker takes compiled code from where its primary keeps its own', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'hydra-compiled-'))
  t.after(() => rmSync(directory, { recursive: true }))
  enableCompileCache(directory)
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle
  const worker = startWorkerProcess(fd)
  t.after(() => worker.kill('SIGKILL'))
  const variables = readFileSync(`/proc/${worker.pid}/environ`, 'utf8').split('\0')
  // The test may have been started with one of its own.
  const kept = process.env.NODE_COMPILE_CACHE ?? dirname(getCompileCacheDir()!)
  assert.ok(variables.includes(`NODE_COMPILE_CACHE=${kept}`))
})
