/**
 * One client on a bare socket, so that thousands of them cost little: it says hello as its kind does, and then hears what
 * comes.
 *
 * @module
 */
import { browserHead } from '../../support/clients/browser.ts'
import { dial } from '../../support/clients/http.ts'
import type { Speech } from '../job.ts'
import { clientFrame, createFrameReader } from './frames.ts'

export interface LightSocket {
  /** Of the session, once it is open. */
  readonly id: string
  /** Of who said hello. */
  readonly router: string
  write(frame: Buffer): void
  /** Everything that comes once the session is open; the bytes are of use until it returns. */
  onText: ((text: Buffer) => void) | undefined
  onLost: ((error: Error) => void) | undefined
  leave(): void
}

interface Short {
  readonly frm?: string
  readonly typ?: string
  readonly bdy?: { readonly id?: string; readonly error?: unknown }
}

const LINES = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
]
const PATHS: Readonly<Record<Speech, string>> = {
  classic: '/',
  resuming: '/',
  'socket.io': '/socket.io/?EIO=4&transport=websocket',
}
const SESSION = textFrame(
  '{"to":"hydra-router:/","frm":"client:/","mid":"m0","typ":"session","bdy":{"ask":1}}',
)
const CONNECT = textFrame('40')
const PONG = textFrame('3')
const AT = Buffer.from(',"at":"')
const OPEN_MS = 30_000
/** As clients with our SDK do it. */
const CONFIRM_EVERY = 32
const CONFIRM_MS = 5000

export function textFrame(text: string): Buffer {
  return clientFrame(Buffer.from(text))
}

/** Opens a session. */
export function openSocket(port: number, speech: Speech): Promise<LightSocket> {
  return new Promise((resolve, reject) => {
    const upgrade = browserHead(`GET ${PATHS[speech]} HTTP/1.1`, { lines: LINES })
    let isOpen = false
    let hasLeft = false
    let id = ''
    let router = ''
    const lost = (error: Error): void => {
      if (hasLeft) return
      clearTimeout(late)
      if (isOpen) light.onLost?.(error)
      else reject(error)
    }
    const late = setTimeout(() => lost(new Error('a session did not open')), OPEN_MS)
    const opened = (): void => {
      isOpen = true
      clearTimeout(late)
      resolve(light)
    }
    const hello = (text: string): void => {
      if (speech === 'socket.io') {
        if (text.startsWith('0')) socket.write(CONNECT)
        if (!text.startsWith('40')) return
        id = (JSON.parse(text.slice(2)) as { sid: string }).sid
        opened()
        return
      }
      const { frm, typ, bdy } = JSON.parse(text) as Short
      if (bdy?.error !== undefined || bdy?.id === undefined)
        throw new Error(`a session did not open: ${text.slice(0, 200)}`)
      id = bdy.id
      router = frm?.split('@', 1)[0] ?? ''
      if (speech === 'resuming' && typ !== 'session') socket.write(SESSION)
      else opened()
    }
    let unconfirmed = 0
    let place = ''
    let confirming: NodeJS.Timeout | undefined
    const confirm = (): void => {
      clearTimeout(confirming)
      confirming = undefined
      unconfirmed = 0
      const ack = `{"to":"hydra-router:/","frm":"client:/","mid":"a","typ":"ack","bdy":{"at":"${place}"}}`
      if (!hasLeft) socket.write(textFrame(ack))
    }
    const received = (text: Buffer): void => {
      const at = text.lastIndexOf(AT)
      if (at < 0) return
      place = text.toString('latin1', at + AT.length, text.indexOf(0x22, at + AT.length))
      if (++unconfirmed >= CONFIRM_EVERY) confirm()
      else confirming ??= setTimeout(confirm, CONFIRM_MS)
    }
    const onText = (text: Buffer): void => {
      const isPing = speech === 'socket.io' && text.length === 1 && text[0] === 0x32
      if (!isOpen) hello(text.toString())
      else if (isPing) socket.write(PONG)
      else {
        light.onText?.(text)
        if (speech === 'resuming') received(text)
      }
    }
    const reader = createFrameReader({ onText, write: (frame) => void socket.write(frame) })
    const socket = dial(port, undefined, () => socket.write(upgrade), lost, reader.read)
    socket.once('close', () => lost(new Error('a socket was closed')))
    const light: LightSocket = {
      get id() {
        return id
      },
      get router() {
        return router
      },
      onText: undefined,
      onLost: undefined,
      write: (frame) => void socket.write(frame),
      leave() {
        hasLeft = true
        clearTimeout(confirming)
        // A port that was closed politely stays taken for a minute.
        socket.resetAndDestroy()
      },
    }
  })
}
