/**
 * Loaded before every child of the demo (`node --import`): when the demo is gone, whatever way it went, the
 * child ends as well. What the demo kept on disk goes with them, when it could not tidy up itself.
 *
 * @module
 */
import { rmSync } from 'node:fs'

if (process.channel) {
  process.on('disconnect', () => {
    const { SHOP_DATA } = process.env
    if (SHOP_DATA) rmSync(SHOP_DATA, { recursive: true, force: true })
    process.exit(0)
  })
  // What the child does decides how long it lives, not the line to us.
  process.channel.unref()
}
