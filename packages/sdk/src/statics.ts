/**
 * Static files a service offers: names given by hand, or every file of a folder.
 *
 * The gateway serves the file `css/site.css` of the service `orders` at `/orders/css/site.css`, and asks the
 * service for `/static/css/site.css` (`medusa.md` 2.4).
 *
 * @module
 */
import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'

/** More files than this are a sign of the wrong folder, such as one with `node_modules` in it. */
export const MAX_STATICS = 10_000
const MAX_DEPTH = 32

/**
 * Names relative to the static folder, with `/` between folders, sorted.
 *
 * A folder is relative to the working directory and walked once: hidden files and folders are left out, links are not followed.
 *
 * @throws when the folder can't be read, or holds more than 10 000 files or 32 levels.
 */
export async function listStatics(statics: readonly string[] | string | undefined): Promise<string[]> {
  if (statics === undefined) return []
  if (typeof statics !== 'string')
    return statics.map((name) => name.replace(/^\/+/, '')).filter((name) => name !== '')
  const names: string[] = []
  await walk(resolve(statics), '', 0, names)
  return names.sort()
}

async function walk(root: string, below: string, depth: number, names: string[]): Promise<void> {
  const folder = join(root, below)
  if (depth > MAX_DEPTH)
    throw new Error(`the folder ${folder} (statics) is more than ${MAX_DEPTH} folders deep`)
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: Error) => {
    throw new Error(`the folder ${folder} (statics) can't be read: ${cause.message}`, { cause })
  })
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue
    const name = below === '' ? entry.name : `${below}/${entry.name}`
    if (entry.isDirectory()) await walk(root, name, depth + 1, names)
    else if (entry.isFile()) names.push(name)
    if (names.length > MAX_STATICS)
      throw new Error(`the folder ${root} (statics) has more than ${MAX_STATICS} files`)
  }
}
