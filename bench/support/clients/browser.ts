/**
 * What a browser sends.
 *
 * @module
 */

/** Header lines of a navigation beside Host. */
const LINES = [
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

export interface BrowserOptions {
  /** Lines beside those of every navigation. */
  readonly lines?: readonly string[]
  /** It takes what is compressed. @default true */
  readonly takesCompressed?: boolean
  /** Cookies beside those of every navigation: `a=1; b=2`. */
  readonly cookies?: string | undefined
}

/** The head of a request. */
export function browserHead(
  requestLine: string,
  { lines = [], takesCompressed = true, cookies }: BrowserOptions = {},
): Buffer {
  const own = LINES.filter((line) => takesCompressed || !line.startsWith('Accept-Encoding')).map((line) =>
    cookies !== undefined && line.startsWith('Cookie:') ? `${line}; ${cookies}` : line,
  )
  return Buffer.from([requestLine, 'Host: shop.example', ...own, ...lines, '', ''].join('\r\n'), 'latin1')
}

/** The lines for programs that write the head themselves: `name: value` in lower case, as HTTP/2 has them. */
export function browserLines(): readonly string[] {
  return LINES.map((line) => line.replace(/^[^:]+/, (name) => name.toLowerCase()))
}
