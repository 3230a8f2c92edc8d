/**
 * Everything the codec refuses: a word for log and metrics, a status, and a sentence for the sender.
 *
 * Parsers return the constants below, which are indexes into `FAULTS`, negated.
 *
 * @module
 */

export interface Fault {
  /** Short and constant, for log and metrics. */
  readonly word: string
  /** What a visitor is answered; for an instance's answer it is 502 whatever stands here. */
  readonly status: 400 | 405 | 413 | 414 | 431 | 501 | 505
  /** One sentence for the sender. */
  readonly detail: string
}

const faults: Fault[] = [{ word: 'none', status: 400, detail: '' }]

/** Faults by number; index 0 is unused. */
export const FAULTS: readonly Fault[] = faults

function fault(word: string, status: Fault['status'], detail: string): number {
  faults.push(Object.freeze({ word, status, detail }))
  return 1 - faults.length
}

// Request line.
export const METHOD_GRAMMAR = fault('method', 400, 'A request begins with a method and one space.')
export const METHOD_UNKNOWN = fault('unknown-method', 501, 'The method is not known here.')
export const CONNECT_REFUSED = fault('connect', 405, 'CONNECT is not served: this is no forward proxy.')
export const TRACE_REFUSED = fault('trace', 405, 'TRACE is not served.')
export const TARGET_GRAMMAR = fault(
  'target',
  400,
  'The request target is not a path, an http URL, or * with OPTIONS.',
)
export const TARGET_TOO_LONG = fault('target', 414, 'The request target is too long.')
export const VERSION_GRAMMAR = fault(
  'version',
  400,
  'The first line does not name a version of HTTP as it must.',
)
export const VERSION_UNKNOWN = fault('unknown-version', 505, 'Only HTTP/1.1 and HTTP/1.0 are spoken here.')

// Status line.
export const STATUS_GRAMMAR = fault('status', 400, 'The status is not a number from 100 to 999.')
export const REASON_GRAMMAR = fault(
  'reason',
  400,
  'The reason after the status has bytes that may not be there.',
)

// Lines.
export const BARE_LF = fault('bare-lf', 400, 'A line ends with LF alone; it must end with CR LF.')
export const BARE_CR = fault('bare-cr', 400, 'A CR is not followed by LF.')
export const OBS_FOLD = fault(
  'obs-fold',
  400,
  'A header line begins with a blank: folded lines are not taken.',
)
export const NAME_GRAMMAR = fault(
  'invalid-header-token',
  400,
  'A header name is empty or has bytes that may not be in a name.',
)
export const SPACE_BEFORE_COLON = fault(
  'space-before-colon',
  400,
  'A blank stands between a header name and its colon.',
)
export const VALUE_GRAMMAR = fault('control', 400, 'A header value has a control character in it.')
export const HEAD_TOO_LARGE = fault('header-overflow', 431, 'The head is too large.')
export const TOO_MANY_LINES = fault('header-lines', 431, 'The head has too many lines.')

// Host.
export const HOST_MISSING = fault('host', 400, 'A request of HTTP/1.1 needs a Host line.')
export const HOST_REPEATED = fault('host', 400, 'There is more than one Host line.')
export const HOST_EMPTY = fault('host', 400, 'The Host line is empty.')

// Framing.
export const LENGTH_GRAMMAR = fault('length', 400, 'Content-Length is not one whole number below 2^53.')
export const LENGTH_REPEATED = fault('duplicate-length', 400, 'There is more than one Content-Length line.')
export const CODING_AND_LENGTH = fault(
  'te-and-cl',
  400,
  'Transfer-Encoding and Content-Length exclude each other.',
)
export const CODING_UNKNOWN = fault('unknown-coding', 501, 'The only transfer coding taken is chunked.')
export const CODING_GRAMMAR = fault('coding', 400, 'Transfer-Encoding must be chunked, once.')
export const CODING_REPEATED = fault(
  'duplicate-coding',
  400,
  'There is more than one Transfer-Encoding line.',
)
export const CODING_TOO_OLD = fault('coding-on-1.0', 400, 'HTTP/1.0 has no Transfer-Encoding.')
export const CONNECTION_GRAMMAR = fault('connection', 400, 'Connection is not a list of tokens.')
export const EXPECTATION = fault('expect', 400, 'The only expectation met is 100-continue, once.')

// Chunked bodies.
export const CHUNK_SIZE = fault(
  'chunk-size',
  400,
  'A chunk does not begin with its size in hexadecimal digits.',
)
export const CHUNK_TOO_LARGE = fault('chunk-too-large', 400, 'The size of a chunk has too many digits.')
export const CHUNK_EXTENSION = fault('chunk-extension', 400, 'An extension of a chunk is not as it must be.')
export const CHUNK_EXTENSIONS_TOO_LONG = fault(
  'chunk-extensions-too-long',
  400,
  'The extensions of the chunks are too long.',
)
export const CHUNK_END = fault('chunk-end', 400, 'A chunk is not followed by CR LF.')
export const TRAILER_REFUSED = fault(
  'trailer',
  400,
  'A trailer line has a name that may only stand in the head.',
)
export const TRAILERS_TOO_LARGE = fault(
  'trailers-too-large',
  431,
  'The trailer lines are too large or too many.',
)
