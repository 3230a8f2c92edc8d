/**
 * Which names may not stand after a body: whatever was decided by the head before the body was read must not
 * change afterwards (RFC 9110, 6.5.1).
 *
 * @module
 */

const REFUSED: ReadonlySet<string> = new Set([
  // Framing and the connection.
  'connection',
  'content-length',
  'http2-settings',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  // Routing.
  'forwarded',
  'host',
  'max-forwards',
  'x-original-url',
  'x-real-ip',
  'x-request-id',
  'x-rewrite-url',
  // Who asks.
  'authorization',
  'cookie',
  'origin',
  'set-cookie',
  'www-authenticate',
  // What is asked, and under which conditions.
  'cache-control',
  'expect',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'pragma',
  'range',
  // What the answer is.
  'age',
  'date',
  'expires',
  'location',
  'retry-after',
  'vary',
  'warning',
  // What the body is.
  'content-encoding',
  'content-range',
  'content-type',
])

const REFUSED_PREFIXES: readonly string[] = ['hydra-', 'proxy-', 'sec-', 'x-forwarded-']

/** True when a line of this name may stand in the trailer section. A `_` is read as the `-` it may become. */
export function isTrailer(name: string): boolean {
  const plain = name.toLowerCase().replaceAll('_', '-')
  return !REFUSED.has(plain) && !REFUSED_PREFIXES.some((prefix) => plain.startsWith(prefix))
}
