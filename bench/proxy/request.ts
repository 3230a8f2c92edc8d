/**
 * What a browser sends, and what the service answers: the bytes of the loads, the same for everybody.
 *
 * @module
 */
import { browserHead } from '../support/clients/browser.ts'

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

/** A head of 465 bytes for the page. */
export function getRequest(path: string, cookies?: string): Buffer {
  return browserHead(`GET ${path} HTTP/1.1`, { cookies })
}

export function uploadRequest(): Buffer {
  const lines = ['Content-Type: application/octet-stream', `Content-Length: ${UPLOAD_BYTES}`]
  return Buffer.concat([
    browserHead(`POST ${PATHS.upload} HTTP/1.1`, { lines }),
    Buffer.alloc(UPLOAD_BYTES, FILL),
  ])
}

export function upgradeRequest(): Buffer {
  const lines = [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ]
  return browserHead(`GET ${PATHS.socket} HTTP/1.1`, { lines })
}
