/**
 * Bytes that frame messages, made once.
 *
 * @module
 */
export const CHUNK_CRLF: Buffer = Buffer.from('\r\n')
/** The last chunk and the end of a body without trailers. */
export const LAST_CHUNK: Buffer = Buffer.from('0\r\n\r\n')
