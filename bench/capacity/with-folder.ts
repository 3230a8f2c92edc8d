/**
 * A folder and whoever was started in it, ended in the end whatever happens.
 *
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export async function withFolder<T>(
  run: (folder: string, later: (end: () => unknown) => void) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'hydra-bench-'))
  const ends: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })]
  try {
    return await run(folder, (end) => void ends.push(end))
  } finally {
    for (const end of ends.reverse()) await end()
  }
}
