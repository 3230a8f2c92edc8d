/**
 * What a reader made of bytes, in a form that two readers can be compared by.
 *
 * @module
 */

/** One message as a reader understood it. All text is latin1: a character is a byte. */
export interface Message {
  /** `GET /path 1` or `200 1 OK`; the digit is the minor version. */
  first: string
  /** name, value, name, value as written. */
  fields: readonly string[]
  body: string
  /** name, value of the lines after a chunked body. */
  trailers: readonly string[]
  /** The connection may be used for another message afterwards. */
  keeps: boolean
  /** The message ended; otherwise these are the parts that came. */
  isComplete: boolean
  /** Position after the message, or the length of all bytes when it did not end. */
  end: number
}

/** What a reader made of a connection. */
export interface Verdict {
  readonly messages: Message[]
  /**
   * open: more may come. closed: the last message is the last one on this connection, what follows is left over.
   * refused: a fault.
   */
  ending: 'open' | 'closed' | 'refused'
  /** The fault's word, or ''. */
  why: string
  /** How many bytes had arrived when the reader refused them, or -1. */
  refusedAt: number
}

/** A connection to read. */
export interface Case {
  readonly kind: 'request' | 'response'
  readonly bytes: Buffer
  /** Responses: the method that was asked with. */
  readonly asked: 'GET' | 'HEAD'
  /** The sender closes after these bytes. */
  readonly closes: boolean
  /** Head limits that are small enough to be met by generated messages. */
  readonly isTight: boolean
  /** What a valid message was made of; undefined when it has been tampered with. */
  readonly intended?: readonly Message[] | undefined
}

/**
 * Why `theirs` contradicts `ours`, or undefined. Ours may refuse what theirs takes and wait where theirs refuses
 * nothing, never the other way round.
 */
export function contradiction(tested: Case, ours: Verdict, theirs: Verdict): string | undefined {
  const last = ours.messages.length - 1
  for (const [i, message] of ours.messages.entries()) {
    const other = theirs.messages[i]
    const which = `message ${i + 1}`
    if (!other) return `${which} is taken by us and refused by llhttp (${theirs.why || 'no reason given'})`
    if (message.first !== other.first) {
      return `${which} begins ${quote(message.first)} for us and ${quote(other.first)} for llhttp`
    }
    const fields = listsDiffer(message.fields, other.fields)
    if (fields) return `lines of ${which}: ${fields}`
    if (message.keeps && !other.keeps) return `the connection lasts after ${which} for us, not for llhttp`
    if (i === last && ours.ending === 'refused' && !message.isComplete) {
      // Refused in its body: what had been passed on until then must be the same.
      if (other.body.startsWith(message.body)) continue
      return `body of ${which}: ${quote(message.body)} for us and ${quote(other.body)} for llhttp`
    }
    if (message.body !== other.body) {
      return `body of ${which}: ${quote(message.body)} for us and ${quote(other.body)} for llhttp`
    }
    if (message.isComplete !== other.isComplete) {
      return `${which} is ${message.isComplete ? '' : 'not '}complete for us and ${other.isComplete ? '' : 'not '}for llhttp`
    }
    if (message.isComplete && message.end !== other.end) {
      return `${which} ends at ${message.end} for us and at ${other.end} for llhttp`
    }
    const trailers = listsDiffer(message.trailers, other.trailers)
    if (trailers) return `trailers of ${which}: ${trailers}`
  }
  if (ours.ending !== 'open') return undefined
  // We judge a line when it is whole, llhttp some bytes earlier: that is no difference in what is taken.
  if (theirs.ending === 'refused' && theirs.refusedAt > lastLine(tested, ours)) return undefined
  if (theirs.ending === 'refused') return `we wait for more where llhttp refuses (${theirs.why})`
  if (theirs.messages.length !== ours.messages.length) {
    return `${ours.messages.length} messages for us, ${theirs.messages.length} for llhttp`
  }
  return undefined
}

/** Where the line begins that our reader waits for the rest of; all bytes when it waits for none. */
export function lastLine({ bytes }: Case, { messages, ending }: Verdict): number {
  const last = messages.at(-1)
  if (ending !== 'open' || (last && !last.isComplete)) return bytes.length
  const from = last?.end ?? 0
  const rest = bytes.toString('latin1', from)
  return from + (rest.includes('\r\n') ? rest.lastIndexOf('\r\n') + 2 : 0)
}

/** What our verdict lacks of the message that was meant, or undefined. */
export function misreading(ours: Verdict, intended: readonly Message[]): string | undefined {
  if (ours.ending === 'refused') return `a valid message is refused by us (${ours.why})`
  if (ours.messages.length < intended.length)
    return `${ours.messages.length} of ${intended.length} messages read`
  for (const [i, meant] of intended.entries()) {
    if (JSON.stringify(meant) !== JSON.stringify(ours.messages[i])) {
      return `message ${i + 1} was meant as ${JSON.stringify(meant)} and read as ${JSON.stringify(ours.messages[i])}`
    }
  }
  return undefined
}

function listsDiffer(ours: readonly string[], theirs: readonly string[]): string | undefined {
  const length = Math.max(ours.length, theirs.length)
  for (let i = 0; i < length; i += 1) {
    if (ours[i] !== theirs[i]) return `${quote(ours[i])} for us and ${quote(theirs[i])} for llhttp`
  }
  return undefined
}

function quote(text: string | undefined): string {
  if (text === undefined) return 'nothing'
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text)
}
