/**
 * `hydra watch` into a pipe or a file: one event a line, plain or as JSON; what is no event goes to standard error.
 *
 * @module
 */
import { type Io, jsonText } from '../io.ts'
import { createLines, plainLine } from './lines.ts'
import type { View } from './terminal-view.ts'

export function createPipeView(io: Pick<Io, 'out' | 'err'>, url: string, isJson: boolean): View {
  const lines = createLines()
  let isGreeted = false
  return {
    onHello(hello, isNew) {
      lines.learn(hello)
      if (isGreeted) io.err(`${url} ${isNew ? 'was started again' : 'is back'}.\n`)
      isGreeted = true
    },
    onEvent(event) {
      if (isJson) return io.out(`${jsonText(event)}\n`)
      const line = lines.read(event)
      if (line) io.out(`${plainLine(line)}\n`)
    },
    onAway(reason) {
      io.err(`${url} is away (${reason}); trying again every second.\n`)
    },
    close() {},
  }
}
