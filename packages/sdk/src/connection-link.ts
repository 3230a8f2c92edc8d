/**
 * Opens what carries frames to the gateway: a WebSocket, or a TCP connection.
 *
 * @module
 */
import { connect as connectTcp, type LookupFunction, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import {
  createFrameReader,
  ERROR_CODES,
  type Link,
  MAX_FRAME_BYTES,
  RSOCKET_PATH,
  RSocketError,
  sendTogether,
  type Timers,
  withLength,
} from '@hydra-gateway/protocol/rsocket'
import { WebSocket } from 'ws'

/** The end a link speaks to. */
export interface LinkEnd {
  receive(frame: Buffer): void
  lost(reason: string): void
  refuse(reason: string, error: RSocketError): void
  isOpen(): boolean
}

export interface LinkOptions {
  readonly gateway: string | URL
  /** Resolves its name. @default the system's */
  readonly lookup?: LookupFunction | undefined
  readonly timeoutMs: number
  readonly timers: Timers
  /** Called once when it is open, before anything is read from it. `address` is the gateway's. */
  readonly onOpen: (link: Link, address: string | undefined) => LinkEnd
  /** Called once instead, with a sentence; with the address of whoever answered. */
  readonly onFailed: (message: string, cause?: unknown, address?: string) => void
}

/** Close code of a WebSocket that got too large a message. */
const TOO_LARGE = 1009
/** How long the gateway may take to close its side. */
const GOODBYE_MS = 1000

/** Starts to open a link; the function returned gives it up, open or not. */
export function openLink(options: LinkOptions): () => void {
  const text = String(options.gateway)
  if (!URL.canParse(text)) {
    options.onFailed(`${text} is not a URL`)
    return () => {}
  }
  const url = new URL(text)
  switch (url.protocol) {
    case 'tcp:':
    case 'tcps:':
      return openTcp(url, options)
    case 'http:':
    case 'https:':
    case 'ws:':
    case 'wss:':
      return openWebSocket(url, options)
    default:
      options.onFailed(`a gateway is reached by http, https, ws, wss or tcp, not ${url.protocol}`)
      return () => {}
  }
}

function openTcp(url: URL, { lookup, timers, onOpen, onFailed }: LinkOptions): () => void {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = Number(url.port)
  if (!port) {
    onFailed(`${url.href} names no port`)
    return () => {}
  }
  const secure = url.protocol === 'tcps:'
  const target = { host, port, ...(lookup && { lookup }) }
  const socket: Socket = secure ? connectTls({ ...target, servername: host }) : connectTcp(target)
  socket.setNoDelay(true)
  let end: LinkEnd | undefined
  socket.on('error', (error) =>
    end
      ? end.lost(`the connection broke: ${reasonOf(error)}`)
      : onFailed(`no connection to ${url.host}: ${reasonOf(error)}${hintOn(error, url)}`, error),
  )
  socket.on('close', () =>
    end ? end.lost('the gateway closed the connection') : onFailed(`no connection to ${url.host}`),
  )
  socket.once(secure ? 'secureConnect' : 'connect', () => {
    const hold = sendTogether(socket)
    const link: Link = {
      send(frame) {
        hold()
        socket.write(withLength(frame))
      },
      end() {
        socket.end()
        timers.after(GOODBYE_MS, () => socket.destroy())
      },
      pendingBytes: () => socket.writableLength,
    }
    const opened = onOpen(link, socket.remoteAddress)
    end = opened
    const reader = createFrameReader({
      maxFrameBytes: MAX_FRAME_BYTES,
      onFrame: opened.receive,
      isOpen: opened.isOpen,
    })
    socket.on('data', (chunk) => {
      if (opened.isOpen()) reader.push(chunk)
    })
    socket.on('end', () => opened.lost('the gateway closed the connection'))
  })
  return () => void socket.destroy()
}

function openWebSocket(url: URL, { lookup, timeoutMs, timers, onOpen, onFailed }: LinkOptions): () => void {
  const target = new URL(url)
  target.protocol = /^(https|wss):$/.test(url.protocol) ? 'wss:' : 'ws:'
  target.pathname = target.pathname.replace(/\/*$/, '') + RSOCKET_PATH
  target.search = ''
  target.hash = ''
  const webSocket = new WebSocket(target, {
    perMessageDeflate: false,
    handshakeTimeout: timeoutMs,
    maxPayload: MAX_FRAME_BYTES,
    ...(lookup && { lookup }),
  })
  let address: string | undefined
  let hold = (): void => {}
  webSocket.on('upgrade', ({ socket }) => {
    address = socket.remoteAddress
    hold = sendTogether(socket)
  })
  let end: LinkEnd | undefined
  webSocket.on('error', (error) =>
    end
      ? end.lost(`the connection broke: ${reasonOf(error)}`)
      : onFailed(`no connection to ${url.host}: ${reasonOf(error)}${hintOn(error, url)}`, error),
  )
  webSocket.on('unexpected-response', (request, { statusCode, headers, socket }) => {
    const { remoteAddress } = socket
    request.destroy()
    const message = `${url.host} answers ${statusCode}${commentOn(statusCode, headers['content-type'])}`
    onFailed(message, undefined, remoteAddress)
  })
  webSocket.on('close', (code) => {
    if (!end) return onFailed(`no connection to ${url.host}`)
    // A WebSocket server ends a message that is too large by itself, with this code and without a frame of ours.
    const message = 'the gateway takes no message as large as this one'
    if (code === TOO_LARGE)
      end.refuse('too-large', new RSocketError(ERROR_CODES.INVALID, message, 'HYDRA_TOO_LARGE'))
    end.lost('the gateway closed the connection')
  })
  webSocket.once('open', () => {
    const link: Link = {
      send(frame) {
        hold()
        webSocket.send(frame, { binary: true })
      },
      end() {
        webSocket.close(1000)
        timers.after(GOODBYE_MS, () => webSocket.terminate())
      },
      pendingBytes: () => webSocket.bufferedAmount,
    }
    const opened = onOpen(link, address)
    end = opened
    webSocket.on('message', (data: Buffer, isBinary) => {
      if (isBinary && opened.isOpen()) opened.receive(data)
    })
  })
  return () => webSocket.terminate()
}

/** What a status instead of a WebSocket says of who answers. */
function commentOn(status = 0, type = ''): string {
  // A proxy in front of a gateway that is away, or a gateway that stops: it passes.
  if (status >= 500) return ''
  if (type.startsWith('application/problem+json'))
    return '; a gateway with a control port (controlPort) takes services there only'
  return ', not as a Hydra gateway would'
}

const NOT_TRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/** What to do about a connection that failed, where the failure has a usual reason. */
function hintOn({ code = '' }: Error & { code?: string }, { protocol }: URL): string {
  if (NOT_TRUSTED.has(code)) return '; name a file with certificates to trust in NODE_EXTRA_CA_CERTS'
  if (code === 'ECONNREFUSED') return '; start a gateway there, or name another one in HYDRA_GATEWAY'
  const isPlain = protocol === 'http:' || protocol === 'ws:'
  return isPlain && code === 'ECONNRESET' ? '; a gateway with TLS is reached by https://' : ''
}

/** Happy eyeballs fails with a bundle of errors and an empty message. */
function reasonOf(error: Error & { code?: string }): string {
  return error.message || error.code || 'it failed'
}
