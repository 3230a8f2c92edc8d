import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createLineFile } from './line-file.ts'

test('lines and batches stand in the file in the order they were given, each once', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'hydra-lines-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'log')
  const fd = openSync(path, 'a')
  t.after(() => closeSync(fd))
  const file = createLineFile(fd)
  const memory = Buffer.alloc(16)
  let expected = ''
  for (let i = 0; i < 2000; i++) {
    const line = `${i}\n`
    expected += line
    if (i % 3 === 0) file.write(line)
    else {
      // The memory is used again at once.
      memory.write(line)
      assert.ok(file.writeBytes(memory.subarray(0, line.length)))
    }
    if (i % 500 === 0) await new Promise(setImmediate)
  }
  while (readFileSync(path, 'utf8').length < expected.length) await new Promise(setImmediate)
  assert.equal(readFileSync(path, 'utf8'), expected)
  file.write('last\n')
  file.flushSync()
  while (!readFileSync(path, 'utf8').endsWith('last\n')) await new Promise(setImmediate)
  assert.equal(readFileSync(path, 'utf8'), `${expected}last\n`)
})

test('a reader that stands still costs a bounded memory; it is told how many lines it lost', async (t) => {
  const script = `
    const { createLineFile } = await import(${JSON.stringify(import.meta.resolve('./line-file.ts'))})
    const file = createLineFile(1)
    const batch = Buffer.alloc(65536, 'b'); batch[65535] = 10
    let taken = 0
    while (file.writeBytes(batch)) taken++
    for (let i = 0; i < 40; i++) file.write('l'.repeat(500_000) + '\\n')
    process.stderr.write(String(taken))
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(() => child.kill('SIGKILL'))
  const [taken] = await once(child.stderr, 'data')
  assert.ok(Number(taken) >= 60 && Number(taken) <= 66, `${taken} batches`)
  let text = ''
  child.stdout.on('data', (chunk) => {
    text += chunk
  })
  await once(child, 'close')
  const lines = text.split('\n')
  assert.equal(lines.filter((line) => line.startsWith('b')).length, Number(taken))
  const kept = lines.filter((line) => line.startsWith('l')).length
  const loss = JSON.parse(lines.find((line) => line.startsWith('{'))!)
  assert.equal(kept + loss.lines, 40)
  assert.ok(loss.lines > 0)
})

test('a reader that is gone ends the writing and nothing else', async () => {
  const file = createLineFile(987_654)
  file.write('x\n')
  while (file.writeBytes(Buffer.from('y\n'))) await new Promise(setImmediate)
  file.write('z\n')
  file.flushSync()
})
