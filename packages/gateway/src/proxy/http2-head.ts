/**
 * A header block of HTTP/2 as the head of an HTTP/1.1 request, in bytes, so that one parser and one set of rules
 * judge both protocols. What only HTTP/2 can say wrong is refused here (RFC 9113, 8.2 and 8.3).
 *
 * @module
 */
import type { HeadFault } from './request-facts.ts'

/** Names are lower-case tokens (RFC 9113, 8.2.1). */
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/

/** Would end or fold a line once there are lines again. */
const BREAKS = /[\r\n\0]/

/** Have no meaning in HTTP/2, and in HTTP/1.1 a dangerous one (RFC 9113, 8.2.2). */
export const CONNECTION_SPECIFIC: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])

/** Names that were looked at lately: there are few, and each comes with every request. */
const plain = new Set<string>()
const MOST_PLAIN = 512

const FAULTS = {
  pseudo: fault('h2-pseudo', 'A request of HTTP/2 has each of :method, :scheme, :authority and :path once.'),
  order: fault(
    'h2-pseudo',
    'Names that begin with a colon come first, and others than those of a request have no meaning.',
  ),
  scheme: fault('h2-scheme', 'The scheme is neither https nor http.'),
  name: fault('invalid-header-token', 'A header name is empty or has bytes that may not be in a name.'),
  value: fault('control', 'A header value has a control character in it.'),
  connection: fault(
    'h2-connection',
    'A header line that belongs to a connection of HTTP/1.1 has no place in HTTP/2.',
  ),
  authority: fault('authority', ':authority and the Host header differ.'),
  connect: refusedMethod('connect'),
  trace: refusedMethod('trace'),
} as const satisfies Record<string, HeadFault>

/** A head in bytes, and how many lines its parser must find: one more, and something in it broke out of its line. */
export interface HeadBytes {
  readonly bytes: Buffer
  readonly lines: number
}

/**
 * Writes the head. `raw`: `name, value, …` as received; `isWhole`: the request ended with it, so there is no body.
 * The bytes are the caller's alone.
 */
export function headOfBlock(raw: readonly string[], isWhole: boolean): HeadBytes | HeadFault {
  let method: string | undefined
  let scheme: string | undefined
  let authority: string | undefined
  let path: string | undefined
  let host: string | undefined
  let cookie: string | undefined
  let hasLength = false
  let lines = 1
  let text = ''
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!
    const value = raw[i + 1]!
    if (BREAKS.test(value)) return FAULTS.value
    if (name.charCodeAt(0) === COLON) {
      if (text !== '' || host !== undefined || cookie !== undefined) return FAULTS.order
      if (name === ':method' && method === undefined) method = value
      else if (name === ':scheme' && scheme === undefined) scheme = value
      else if (name === ':authority' && authority === undefined) authority = value
      else if (name === ':path' && path === undefined) path = value
      else if (name === ':protocol') return FAULTS.connect
      else return FAULTS.pseudo
      continue
    }
    if (!isPlain(name)) {
      if (!NAME.test(name)) return FAULTS.name
      if (CONNECTION_SPECIFIC.has(name)) return FAULTS.connection
    }
    if (name === 'cookie') {
      // RFC 9113, 8.2.3: one cookie may come in crumbs, and is one line again towards HTTP/1.1.
      cookie = cookie === undefined ? value : `${cookie}; ${value}`
    } else if (name === 'host') {
      if (host !== undefined) return FAULTS.authority
      host = value
    } else {
      if (name === 'te' && value.toLowerCase() !== 'trailers') return FAULTS.connection
      if (name === 'content-length') hasLength = true
      text += `${name}: ${value}\r\n`
      lines += 1
    }
  }
  if (method === 'CONNECT') return FAULTS.connect
  if (method === 'TRACE') return FAULTS.trace
  if (method === undefined || path === undefined || path === '' || scheme === undefined) return FAULTS.pseudo
  if (scheme !== 'https' && scheme !== 'http') return FAULTS.scheme
  if (authority === undefined) {
    if (host === undefined) return FAULTS.pseudo
  } else if (host !== undefined && host.toLowerCase() !== authority.toLowerCase()) return FAULTS.authority
  // An absolute URL would be another authority still.
  if (path.charCodeAt(0) !== SLASH && !(path === '*' && method === 'OPTIONS')) return FAULTS.pseudo
  if (cookie !== undefined) {
    text += `cookie: ${cookie}\r\n`
    lines += 1
  }
  if (!isWhole && !hasLength) {
    text += 'transfer-encoding: chunked\r\n'
    lines += 1
  }
  text = `${method} ${path} HTTP/1.1\r\nhost: ${authority ?? host}\r\n${text}\r\n`
  // A buffer of its own: a slice of the shared pool would be kept, with all its neighbours, as long as the exchange.
  const bytes = Buffer.allocUnsafeSlow(text.length)
  bytes.write(text, 'latin1')
  return { bytes, lines }
}

const COLON = 58
const SLASH = 47

/** A name that was found to be good before, and asks for no care of its own. */
function isPlain(name: string): boolean {
  if (plain.has(name)) return true
  if (NAME.test(name) && !CONNECTION_SPECIFIC.has(name)) {
    if (plain.size >= MOST_PLAIN) plain.clear()
    plain.add(name)
    return true
  }
  return false
}

function fault(reason: string, detail: string): HeadFault {
  return { code: 'HYDRA_BAD_REQUEST', reason, detail }
}

function refusedMethod(reason: string): HeadFault {
  return {
    code: 'HYDRA_METHOD_NOT_ALLOWED',
    reason,
    detail: 'CONNECT and TRACE are not served.',
    headers: { Allow: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' },
  }
}
