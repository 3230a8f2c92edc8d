/**
 * The `hydra` command with something piped into it.
 *
 * @module
 */
import { spawn } from 'node:child_process'
import { bareEnv, HYDRA, type Ran } from './hydra.ts'

export function runPiped(
  words: readonly string[],
  { cwd, env = {}, input }: { cwd: string; env?: Readonly<Record<string, string>>; input: string },
): Promise<Ran> {
  const child = spawn(process.execPath, [HYDRA, ...words], { cwd, env: bareEnv(env) })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => (out += chunk))
  child.stderr.on('data', (chunk) => (err += chunk))
  // it may end without having read all of it
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  return new Promise((resolve) => child.on('close', (status) => resolve({ status: status ?? -1, out, err })))
}
