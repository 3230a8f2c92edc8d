// `hydra` is this project's command, and also the name of the library whose services the gateway serves, which brings a
// file of that name. npm links whichever it comes to last: here it has to be ours. Runs after `npm ci` by itself.
import { existsSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const directory = join(dirname(fileURLToPath(import.meta.url)), '../node_modules/.bin')
// Where npm makes scripts instead of links, it is left alone: Windows is untested, and said so.
if (existsSync(directory) && process.platform !== 'win32') {
  const link = join(directory, 'hydra')
  rmSync(link, { force: true })
  symlinkSync('../@hydra-gateway/cli/bin.mjs', link)
}
