// Preloaded into a process (`--import`), it tells at the end of that which modules it had loaded: as JSON, in a file of
// the directory that LOADED_DIRECTORY names. Plain JavaScript: it is there before whatever finds sources.
import { writeFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join } from 'node:path'

const loaded = new Set()
registerHooks({
  load(url, context, next) {
    loaded.add(url)
    return next(url, context)
  },
})
process.on('exit', () => {
  writeFileSync(join(process.env.LOADED_DIRECTORY, `${process.pid}.json`), JSON.stringify([...loaded]))
})
