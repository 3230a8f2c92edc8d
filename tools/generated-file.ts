/**
 * Files that are generated and committed: written, or with `--check` compared with what would be written.
 *
 * @module
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Path of a file of this repository. */
export const inRepository = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))

/** Writes the files, or with `--check` sets the exit status to 1 when one of them is stale. */
export function generate(files: ReadonlyMap<string, string>, command: string): void {
  const isCheck = process.argv.includes('--check')
  for (const [path, text] of files) {
    if (isCheck) {
      if (contentOf(path) === text) continue
      console.error(`${relative('.', path)} is stale. Write it again:  ${command}`)
      process.exitCode = 1
    } else {
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, text)
    }
  }
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
