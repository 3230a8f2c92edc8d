/**
 * Bytes that frame messages of HTTP/1.1, made once.
 *
 * @module
 */

/** Ends a line, the size of a chunk, and its data. */
export const CRLF: Buffer = Buffer.from('\r\n')
/** The last chunk and the end of a body without trailers. */
export const LAST_CHUNK: Buffer = Buffer.from('0\r\n\r\n')

// Lines of heads, with their ends.
export const CHUNKED_LINE: Buffer = Buffer.from('Transfer-Encoding: chunked\r\n')
export const WEBSOCKET_LINES: Buffer = Buffer.from('Connection: Upgrade\r\nUpgrade: websocket\r\n')
/** The value follows. */
export const REQUEST_ID_NAME: Buffer = Buffer.from('X-Request-Id: ')
