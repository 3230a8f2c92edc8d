/**
 * What a browser sends, and what the service answers: the bytes of the loads, the same for everybody.
 *
 * @module
 */

/** Where the service answers with which body. */
export const PATHS = {
  page: '/products/sneakers/4711?from=bench',
  upload: '/upload',
  big: '/big.bin',
  socket: '/live',
} as const

export const PAGE_BYTES = 1024
export const BIG_BYTES = 1024 * 1024
export const UPLOAD_BYTES = 64 * 1024

/** Every body, asked or answered, consists of this byte: what arrives is checked by length, first and last byte. */
export const FILL = 0x78

/** Name of the service in the certificate. */
export const TLS_NAME = 'service.test'

/** Header lines of a navigation beside Host. With request line and Host it makes a head of 465 bytes. */
const BROWSER = [
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'Accept-Language: en-GB,en;q=0.5',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Cookie: session=0123456789abcdef0123456789abcdef; theme=dark',
  'Upgrade-Insecure-Requests: 1',
  'Sec-Fetch-Dest: document',
  'Sec-Fetch-Mode: navigate',
  'Priority: u=0, i',
] as const

export function getRequest(path: string): Buffer {
  return head(`GET ${path} HTTP/1.1`, [])
}

export function uploadRequest(): Buffer {
  const lines = ['Content-Type: application/octet-stream', `Content-Length: ${UPLOAD_BYTES}`]
  return Buffer.concat([head(`POST ${PATHS.upload} HTTP/1.1`, lines), Buffer.alloc(UPLOAD_BYTES, FILL)])
}

export function upgradeRequest(): Buffer {
  return head(`GET ${PATHS.socket} HTTP/1.1`, [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ])
}

/** The lines for programs that write the head themselves: `name: value` in lower case, as HTTP/2 has them. */
export function browserLines(): readonly string[] {
  return BROWSER.map((line) => line.replace(/^[^:]+/, (name) => name.toLowerCase()))
}

function head(requestLine: string, lines: readonly string[]): Buffer {
  return Buffer.from([requestLine, 'Host: shop.example', ...BROWSER, ...lines, '', ''].join('\r\n'), 'latin1')
}
