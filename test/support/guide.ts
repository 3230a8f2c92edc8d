/**
 * Runs programs of guides as they stand there.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { TestGateway } from './gateway.ts'
import { startProcess, type TestProcess } from './process.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

export interface ProgramOptions {
  /** @default as the guide has it */
  readonly code?: string
  readonly env?: Record<string, string>
}

export interface Guide {
  readonly text: string
  /** The code block that names that file, behind its fence or in its first line. */
  example(file: string): string
  /** Starts its program, with what it needs to find that gateway. */
  start(t: TestContext, gateway: TestGateway, file: string, options?: ProgramOptions): Promise<TestProcess>
  /** The same, until it is behind the gateway. */
  run(t: TestContext, gateway: TestGateway, file: string, options?: ProgramOptions): Promise<TestProcess>
}

/** `path`: from the root of the repository. */
export async function readGuide(path: string): Promise<Guide> {
  const text = await readFile(join(root, path), 'utf8')

  function example(file: string): string {
    const blocks = [...text.matchAll(/^```\w*( \S+)?\n([\s\S]*?)^```$/gm)]
    const names = [`// ${file}`, `# ${file}`]
    const found = blocks.find(
      ([, title, code = '']) => title === ` ${file}` || names.includes(code.split('\n', 1)[0]!),
    )
    assert.ok(found?.[2], `the guide has no ${file}`)
    return found[2]
  }

  const start: Guide['start'] = async (t, gateway, file, { code = example(file), env = {} } = {}) => {
    const cwd = await mkdtemp(join(tmpdir(), 'hydra-guide-'))
    t.after(() => rm(cwd, { recursive: true, force: true }))
    const { publicKey, privateKey, url } = gateway
    await mkdir(join(cwd, '.hydra'))
    await writeFile(join(cwd, '.hydra', 'keys.json'), JSON.stringify({ publicKey, privateKey }))
    await symlink(join(root, 'node_modules'), join(cwd, 'node_modules'))
    await writeFile(join(cwd, file), code)
    return startProcess(t, { args: [file], cwd, env: { HYDRA_GATEWAY: url, ...env } })
  }
  return {
    text,
    example,
    start,
    async run(t, gateway, file, options) {
      const service = await start(t, gateway, file, options)
      await service.printed(/is behind/)
      return service
    },
  }
}
