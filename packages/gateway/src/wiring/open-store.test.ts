import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'

test('a gateway without Redis does not hold its client in memory', async () => {
  const code = `
    import { createRequire } from 'node:module'
    const loaded = (name) => Object.keys(createRequire(import.meta.url).cache).some((file) => file.includes(name))
    await import(${JSON.stringify(new URL('../main.ts', import.meta.url).href)})
    const before = loaded('@redis/client')
    await import(${JSON.stringify(new URL('../store/redis/open.ts', import.meta.url).href)})
    console.log(before, loaded('@redis/client'))`
  const args = ['--conditions=hydra-source', '--input-type=module', '-e', code]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  assert.equal(stdout.trim(), 'false true')
})
