/**
 * The head of a request of our own, in bytes: what a client may add to it, and what only we may say.
 *
 * @module
 */
import { LOGIN_COOKIE, TOKEN_HEADER } from '@hydra-gateway/protocol'
import { forwardCookies } from '../proxy/cookies.ts'
import type { Instance } from '../routing/upstream.ts'
import { MessageProblem } from './port.ts'

export interface OwnHeadParts {
  readonly method: string
  /** Canonical, with query. */
  readonly target: string
  /** As the sender of the message wishes. */
  readonly headers: Readonly<Record<string, string>>
  /** Absent for methods that send none. */
  readonly bodyBytes: number | undefined
  /** What the instance is told of who calls. */
  readonly token: string | undefined
  readonly isTokenHeader: boolean
  /** Of the visitor. */
  readonly address: string | undefined
  readonly id: string
}

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** Field values (RFC 9110, 5.5): no controls but tabs. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const MOST_HEADER_BYTES = 16 * 1024

/**
 * Of the connection, of the message's framing, or ours to say; with `_` read as `-`, as many servers (CGI, WSGI) do. The
 * same of visitors' requests is in `proxy/request-lines.ts`.
 */
const OURS =
  /^(?:hydra-.*|x-forwarded-.*|accept-encoding|connection|content-length|cookie2|expect|forwarded|host|http2-settings|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|x-original-url|x-real-ip|x-request-id|x-rewrite-url)$/

/** @throws MessageProblem for headers that can't be sent */
export function ownHead({ address, hostHeader }: Instance, parts: OwnHeadParts): Buffer {
  const { method, target, headers, bodyBytes, token, isTokenHeader, id } = parts
  const { host, port } = address
  const lines = [
    `${method} ${target} HTTP/1.1`,
    `Host: ${hostHeader ?? `${host.includes(':') ? `[${host}]` : host}:${port}`}`,
    'Accept-Encoding: identity',
    `X-Request-Id: ${id}`,
  ]
  const given: string[] = []
  let hasType = false
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase()
    if (!NAME.test(name) || !VALUE.test(value))
      throw new MessageProblem('invalid', 'a header of the message can not be sent')
    if (OURS.test(lower.replaceAll('_', '-'))) continue
    if (lower === 'cookie') given.push(value)
    else lines.push(`${name}: ${value}`)
    if (lower === 'content-type') hasType = true
  }
  // Ours are nobody's to send along.
  let cookies = forwardCookies(given)
  if (token !== undefined && isTokenHeader) lines.push(`${TOKEN_HEADER}: ${token}`)
  if (token !== undefined && !isTokenHeader) {
    const login = `${LOGIN_COOKIE}=${token}`
    cookies = cookies ? `${cookies}; ${login}` : login
  }
  if (cookies) lines.push(`Cookie: ${cookies}`)
  if (parts.address !== undefined) lines.push(`X-Forwarded-For: ${parts.address}`)
  if (bodyBytes !== undefined) {
    if (!hasType) lines.push('Content-Type: application/json')
    lines.push(`Content-Length: ${bodyBytes}`)
  }
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  if (head.length > MOST_HEADER_BYTES)
    throw new MessageProblem('too-large', 'the headers of the message are too large')
  return head
}
