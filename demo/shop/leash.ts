/**
 * Loaded before every child of the demo (`node --import`): when the demo is gone, whatever way it went, the
 * child ends as well.
 *
 * @module
 */
if (process.channel) {
  process.on('disconnect', () => process.exit(0))
  // What the child does decides how long it lives, not the line to us.
  process.channel.unref()
}
