/**
 * HTTP/1.1 on raw sockets: asks the same again and again as fast as the answers come, and checks that each is
 * whole. Costs 8 µs of CPU for 1 KB, less than any proxy here.
 *
 * @module
 */
import { connect, type Socket } from 'node:net'
import { FILL } from '../request.ts'
import { budgetOf, type Job } from './job.ts'

export interface Asked {
  readonly tookMs: readonly number[]
  readonly seconds: number
}

const HEAD_END = Buffer.from('\r\n\r\n')
/** No answer at all for so long is a fault of the proxy. */
const SILENCE_MS = 10_000

/** One buffer for all sockets: what is read is looked at and forgotten. */
const shared = Buffer.allocUnsafe(256 * 1024)

/** Counts what arrives on one connection: `read` is true when an answer is whole; throws when it is wrong. */
function createReader(): { read(bytes: Buffer): boolean } {
  let head: Buffer | undefined
  /** Bytes of the body still to come, -1 while the head is not whole. */
  let missing = -1
  return {
    read(chunk) {
      let bytes = chunk
      if (missing < 0) {
        if (head) bytes = Buffer.concat([head, chunk])
        const end = bytes.indexOf(HEAD_END)
        if (end < 0) {
          head = Buffer.from(bytes)
          return false
        }
        head = undefined
        const text = bytes.toString('latin1', 0, end)
        const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1]
        if (!text.startsWith('HTTP/1.1 200') || length === undefined) throw new Error(`answered ${text}`)
        missing = Number(length)
        bytes = bytes.subarray(end + HEAD_END.length)
      }
      if (bytes.length === 0) return false
      missing -= bytes.length
      if (missing < 0 || bytes[0] !== FILL || bytes[bytes.length - 1] !== FILL) {
        throw new Error('answered with another body')
      }
      if (missing > 0) return false
      missing = -1
      return true
    },
  }
}

/** Asks over connections that stay open. */
export function askKept(job: Job, request: Buffer): Promise<Asked> {
  return ask(job, (open, mayAsk, tookMs, fail) => {
    let sentAt = 0
    const reader = createReader()
    const next = () => {
      if (!mayAsk()) return socket.end()
      sentAt = performance.now()
      socket.write(request)
    }
    const socket = dial(job.port, undefined, next, fail, (bytes) => {
      if (!reader.read(bytes)) return
      tookMs.push(performance.now() - sentAt)
      next()
    })
    socket.once('close', open.done)
  })
}

/** Asks over a new connection each time, which the visitor closes after the answer, as curl does. */
export function askOnce(job: Job, request: Buffer): Promise<Asked> {
  let calls = 0
  return ask(job, (open, mayAsk, tookMs, fail) => {
    const next = () => {
      if (!mayAsk()) return open.done()
      const calledAt = performance.now()
      const reader = createReader()
      // Closed connections keep their port for a minute: 64 addresses have ports enough.
      const from = `127.0.1.${1 + (calls++ % 64)}`
      const socket = dial(
        job.port,
        from,
        () => socket.write(request),
        fail,
        (bytes) => {
          if (!reader.read(bytes)) return
          tookMs.push(performance.now() - calledAt)
          socket.end()
          next()
        },
      )
    }
    next()
  })
}

type Lane = (
  open: { done(): void },
  mayAsk: () => boolean,
  tookMs: number[],
  fail: (error: Error) => void,
) => void

function ask(job: Job, lane: Lane): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const began = performance.now()
    const mayAsk = budgetOf(job)
    const tookMs: number[] = []
    let open = job.connections
    let seen = 0
    const watch = setInterval(() => {
      if (tookMs.length === seen) fail(new Error(`no answer for ${SILENCE_MS / 1000} s`))
      seen = tookMs.length
    }, SILENCE_MS)
    const fail = (error: Error) => {
      clearInterval(watch)
      reject(error)
    }
    const done = () => {
      if (--open > 0) return
      clearInterval(watch)
      resolve({ tookMs, seconds: (performance.now() - began) / 1000 })
    }
    for (let i = 0; i < job.connections; i++) lane({ done }, mayAsk, tookMs, fail)
  })
}

/** A connection that reads into the shared buffer. What `onBytes` throws fails the load. */
function dial(
  port: number,
  localAddress: string | undefined,
  onOpen: () => void,
  onFault: (error: Error) => void,
  onBytes: (bytes: Buffer) => void,
): Socket {
  const callback = (length: number, bytes: Uint8Array): boolean => {
    try {
      onBytes((bytes as Buffer).subarray(0, length))
    } catch (error) {
      socket.destroy()
      onFault(error as Error)
    }
    return true
  }
  const socket = connect({
    port,
    host: '127.0.0.1',
    noDelay: true,
    ...(localAddress === undefined ? {} : { localAddress }),
    onread: { buffer: shared, callback },
  })
  socket.once('connect', onOpen)
  socket.once('error', onFault)
  return socket
}
