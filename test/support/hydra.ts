/**
 * The `hydra` command as a real process.
 *
 * @module
 */
import { execFile, execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

export const HYDRA = fileURLToPath(new URL('../../packages/cli/bin.mjs', import.meta.url))

/** An empty directory to call it in; gone when the test ends. */
export async function emptyDirectory(t: Pick<TestContext, 'after'>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'hydra-cli-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** An environment in which nothing but what a test says configures a gateway. */
export function bareEnv(env: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { PATH = '', HOME = '/' } = process.env
  return { PATH, HOME, LANG: 'C.UTF-8', ...env }
}

export interface Ran {
  readonly status: number
  readonly out: string
  readonly err: string
}

/** Runs one command line to its end. */
export function runHydra(
  words: readonly string[],
  {
    cwd,
    env = {},
    node = process.execPath,
    timeoutMs = 20_000,
  }: { cwd: string; env?: Readonly<Record<string, string>>; node?: string; timeoutMs?: number },
): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(node, [HYDRA, ...words], { cwd, env: bareEnv(env), timeout: timeoutMs }, (error, out, err) => {
      resolve({ status: error ? Number(error.code) : 0, out, err })
    })
  })
}

/** A Node of this machine that is too old for the gateway; undefined when there is none. */
export function olderNode(): string | undefined {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    const node = join(directory, 'node')
    if (!existsSync(node)) continue
    const [major = 0, minor = 0] = execFileSync(node, ['-p', 'process.versions.node'])
      .toString()
      .split('.')
      .map(Number)
    if (major >= 18 && (major < 24 || (major === 24 && minor < 15))) return node
  }
  return undefined
}
