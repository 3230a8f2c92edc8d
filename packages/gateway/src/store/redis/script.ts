/**
 * Scripts that run in Redis: read from the `.lua` files beside.
 *
 * @module
 */
import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Script } from './port.ts'

/** Reads a script made of files of this folder, one after the other. */
export function readScript(name: string, ...files: readonly string[]): Script {
  const source = files
    .map((file) => readFileSync(fileURLToPath(new URL(file, import.meta.url)), 'utf8'))
    .join('\n')
  return { name, source }
}

const digests = new WeakMap<Script, string>()

/** What Redis knows it by. */
export function digestOf(script: Script): string {
  const known = digests.get(script)
  if (known !== undefined) return known
  const digest = hash('sha1', script.source)
  digests.set(script, digest)
  return digest
}
