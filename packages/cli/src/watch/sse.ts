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

/** Longest line, and most of all lines of a message: who sends more sends no events of ours, and it is passed over. */
const MOST_CHARACTERS = 16 * 1024 * 1024

/** Makes a reader. It calls back for each message, and with an empty `event` for a line that only moves the id. */
export function createSseReader(onMessage: (message: Message) => void): { push(text: string): void } {
  let rest = ''
  let id = ''
  let event = ''
  let data: string[] = []
  let characters = 0
  let isTooLong = false

  const take = (line: string): void => {
    if (line === '') {
      const isEvent = data.length > 0 && characters <= MOST_CHARACTERS
      onMessage({ id, event: isEvent ? event || 'message' : '', data: isEvent ? data.join('\n') : '' })
      event = ''
      data = []
      characters = 0
      return
    }
    const at = line.indexOf(':')
    const field = at === -1 ? line : line.slice(0, at)
    const value = at === -1 ? '' : line.slice(at + 1).replace(/^ /, '')
    if (field === 'data') {
      characters += value.length
      if (characters <= MOST_CHARACTERS) data.push(value)
    } else if (field === 'event') event = value
    else if (field === 'id') id = value
  }
  return {
    push(text) {
      const end = text.lastIndexOf('\n') + 1
      if (end === 0) {
        // Whoever sends no end of a line has this done for each piece.
        isTooLong ||= rest.length + text.length > MOST_CHARACTERS
        rest = isTooLong ? '' : rest + text
        return
      }
      const lines = (rest + text.slice(0, end)).split(/\r?\n/)
      rest = text.slice(end)
      lines.pop()
      if (isTooLong) lines.shift()
      isTooLong = false
      for (const line of lines) take(line)
    },
  }
}
