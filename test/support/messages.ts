/**
 * Reads HTTP/1.1 messages the way the strictest reader would, for tests that look at what a gateway sent. Nothing
 * is forgiven: a bare LF, two framings or a repeated length is an error of whoever sent it.
 *
 * @module
 */

/** A whole message. Text is latin1: one character for each byte. */
export interface Message {
  /** The request or status line. */
  readonly start: string
  readonly lines: readonly (readonly [name: string, value: string])[]
  readonly framing: 'none' | 'length' | 'chunked' | 'close'
  readonly body: string
  /** Trailer lines as they came, each with its CRLF. */
  readonly trailers: string
  /** Where the next message begins. */
  readonly end: number
}

export interface Kind {
  readonly isRequest: boolean
  /** True when the answer has no body whatever its head says: HEAD, 204, 304. */
  readonly isBodiless?: boolean
  /** True when the sender ended its stream: an answer without framing is whole then. */
  readonly isEnded?: boolean
}

const START = {
  request: /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ [\x21-\x7e]+ HTTP\/1\.1$/,
  answer: /^HTTP\/1\.1 [1-9][0-9]{2} [\t\x20-\x7e\x80-\xff]*$/,
}
const LINE =
  /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[ \t]*$/

/** The message that begins at `from`; undefined when it is not complete. @throws Error when it never can be one */
export function readMessage(text: string, from: number, kind: Kind): Message | undefined {
  const at = text.indexOf('\r\n\r\n', from)
  if (at < 0) return undefined
  const [start = '', ...rest] = text.slice(from, at).split('\r\n')
  if (!(kind.isRequest ? START.request : START.answer).test(start)) {
    throw new Error(`a first line nobody can read: ${JSON.stringify(start)}`)
  }
  const lines = rest.map(readLine)
  const valuesOf = (name: string) =>
    lines.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value)
  const lengths = valuesOf('content-length')
  const codings = valuesOf('transfer-encoding')
  if (lengths.length + codings.length > 1) throw new Error(`more than one framing: ${lengths} ${codings}`)
  const message = { start, lines, trailers: '' }
  const bodyAt = at + 4
  const isInterim = !kind.isRequest && / 1\d\d /.test(start)
  if (kind.isBodiless || isInterim) return { ...message, framing: 'none', body: '', end: bodyAt }
  if (codings.length > 0) {
    if (codings[0]!.toLowerCase() !== 'chunked') throw new Error(`an unknown coding: ${codings[0]}`)
    const chunks = readChunks(text, bodyAt)
    return chunks && { ...message, ...chunks, framing: 'chunked' }
  }
  if (lengths.length > 0) {
    if (!/^[0-9]+$/.test(lengths[0]!)) throw new Error(`a length that is no number: ${lengths[0]}`)
    const end = bodyAt + Number(lengths[0])
    return text.length < end
      ? undefined
      : { ...message, framing: 'length', body: text.slice(bodyAt, end), end }
  }
  if (kind.isRequest) return { ...message, framing: 'none', body: '', end: bodyAt }
  return kind.isEnded
    ? { ...message, framing: 'close', body: text.slice(bodyAt), end: text.length }
    : undefined
}

/** Status of an answer. */
export function statusOf({ start }: Message): number {
  return Number(start.slice(9, 12))
}

/** Final answers to requests with these methods, interim ones left out, and what follows the last whole one. */
export function readAnswers(
  text: string,
  methods: readonly string[],
  isEnded: boolean,
): { answers: Message[]; interim: Message[]; rest: string } {
  const answers: Message[] = []
  const interim: Message[] = []
  let at = 0
  while (at < text.length) {
    const status = /^HTTP\/1\.1 (\d{3})/.exec(text.slice(at, at + 12))?.[1]
    const isBodiless = methods[answers.length] === 'HEAD' || status === '204' || status === '304'
    const message = readMessage(text, at, { isRequest: false, isBodiless, isEnded })
    if (!message) break
    at = message.end
    ;(status?.startsWith('1') && status !== '101' ? interim : answers).push(message)
  }
  return { answers, interim, rest: text.slice(at) }
}

function readLine(line: string): [string, string] {
  const match = LINE.exec(line)
  if (!match) throw new Error(`a header line nobody can read: ${JSON.stringify(line)}`)
  return [match[1]!, match[2]!]
}

function readChunks(text: string, from: number): Pick<Message, 'body' | 'trailers' | 'end'> | undefined {
  let body = ''
  let at = from
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd < 0) return undefined
    const size = text.slice(at, lineEnd)
    // Nothing of ours is entitled to chunk extensions.
    if (!/^[0-9A-Fa-f]{1,8}$/.test(size))
      throw new Error(`a chunk size nobody can read: ${JSON.stringify(size)}`)
    const length = Number.parseInt(size, 16)
    at = lineEnd + 2
    if (length === 0) break
    if (text.length < at + length + 2) return undefined
    if (text.slice(at + length, at + length + 2) !== '\r\n')
      throw new Error('a chunk that is not followed by CRLF')
    body += text.slice(at, at + length)
    at += length + 2
  }
  const trailersAt = at
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd < 0) return undefined
    if (lineEnd === at) return { body, trailers: text.slice(trailersAt, at), end: at + 2 }
    readLine(text.slice(at, lineEnd))
    at = lineEnd + 2
  }
}
