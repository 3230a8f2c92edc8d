/**
 * Reads server-sent events: text in any cut, messages out. Pure.
 *
 * @module
 */

export interface Message {
  /** Of the latest event that had one; empty before the first. */
  readonly id: string
  readonly event: string
  readonly data: string
}

/** Makes a reader. It calls back for each message, and with an empty `event` for a line that only moves the id. */
export function createSseReader(onMessage: (message: Message) => void): { push(text: string): void } {
  let rest = ''
  let id = ''
  let event = ''
  let data: string[] = []

  const take = (line: string): void => {
    if (line === '') {
      onMessage({ id, event: data.length === 0 ? '' : event || 'message', data: data.join('\n') })
      event = ''
      data = []
      return
    }
    const at = line.indexOf(':')
    const field = at === -1 ? line : line.slice(0, at)
    const value = at === -1 ? '' : line.slice(at + 1).replace(/^ /, '')
    if (field === 'data') data.push(value)
    else if (field === 'event') event = value
    else if (field === 'id') id = value
  }
  return {
    push(text) {
      const lines = (rest + text).split(/\r?\n/)
      rest = lines.pop()!
      for (const line of lines) take(line)
    },
  }
}
