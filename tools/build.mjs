// Builds what other projects import: `dist/` of every package, for Node without type stripping and for publishing.
// Runs after `npm ci` by itself, so that a service in this checkout starts with any Node the SDK supports. Nothing in
// this repository needs it: the gateway, the demo and the tests run from source.
import { spawnSync } from 'node:child_process'
import { cpSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const compiler = find('typescript/package.json')
if (compiler) {
  const packages = ['protocol', 'gateway', 'sdk', 'cli'].map((name) => join(root, 'packages', name))
  const { status } = spawnSync(process.execPath, [join(dirname(compiler), 'bin', 'tsc'), '-b', ...packages], {
    cwd: root,
    stdio: 'inherit',
  })
  process.exitCode = status ?? 1
  // Scripts for Redis are read from beside the module.
  const source = join(root, 'packages/gateway/src')
  for (const file of readdirSync(source, { recursive: true }).filter((name) => name.endsWith('.lua'))) {
    cpSync(join(source, file), join(root, 'packages/gateway/dist', file))
  }
} else {
  console.log('No TypeScript here (installed without development dependencies), so nothing was built.')
}

function find(file) {
  try {
    return createRequire(join(root, 'package.json')).resolve(file)
  } catch {
    return undefined
  }
}
