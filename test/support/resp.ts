/**
 * Finds published messages in what Redis sends, of its protocol in both versions (RESP2, RESP3), and takes them out.
 *
 * @module
 */

export interface PushFilter {
  /** Takes the next bytes; gives back whole replies, with or without published messages, and how many of those it dropped. */
  read(piece: Buffer, drops: boolean): { readonly kept: Buffer; readonly dropped: number }
}

/** Kinds of a published message, as the first word of an array or a push. */
const PUBLISHED = /^(?:[*>]\d+\r\n\$\d+\r\n)(?:message|pmessage|smessage)\r\n/

export function createPushFilter(): PushFilter {
  let rest: Buffer = Buffer.alloc(0)
  return {
    read(piece, drops) {
      const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece])
      const kept: Buffer[] = []
      let dropped = 0
      let at = 0
      for (;;) {
        const end = endOfReply(bytes, at)
        if (end === undefined) break
        if (drops && PUBLISHED.test(bytes.toString('latin1', at, Math.min(end, at + 64)))) dropped++
        else kept.push(bytes.subarray(at, end))
        at = end
      }
      rest = bytes.subarray(at)
      return { kept: Buffer.concat(kept), dropped }
    },
  }
}

/** Where the reply that begins at `at` ends; undefined while it is not whole. */
function endOfReply(bytes: Buffer, at: number): number | undefined {
  const line = bytes.indexOf('\r\n', at)
  if (at >= bytes.length || line < 0) return undefined
  const count = Number(bytes.toString('latin1', at + 1, line))
  const next = line + 2
  switch (String.fromCharCode(bytes[at]!)) {
    // Bulk strings, verbatim strings, errors with a length.
    case '$':
    case '=':
    case '!': {
      if (count < 0) return next
      const end = next + count + 2
      return end <= bytes.length ? end : undefined
    }
    case '*':
    case '>':
    case '~':
      return endOfMany(bytes, next, count)
    case '%':
      return endOfMany(bytes, next, count * 2)
    // What an attribute is about follows it.
    case '|':
      return endOfMany(bytes, next, count * 2 + 1)
    default:
      return next
  }
}

function endOfMany(bytes: Buffer, at: number, count: number): number | undefined {
  let next: number | undefined = at
  for (let i = 0; i < count && next !== undefined; i++) next = endOfReply(bytes, next)
  return next
}
