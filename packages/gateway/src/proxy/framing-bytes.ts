/**
 * Bytes that frame messages, made once.
 *
 * @module
 */
/** Ends a line, the size of a chunk, and its data. */
export const CRLF: Buffer = Buffer.from('\r\n')
/** The last chunk and the end of a body without trailers. */
export const LAST_CHUNK: Buffer = Buffer.from('0\r\n\r\n')
