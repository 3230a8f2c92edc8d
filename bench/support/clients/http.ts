/**
 * HTTP/1.1 on raw sockets: asks the same again and again as fast as the answers come, and checks that each is
 * whole. Costs 8 µs of CPU for 1 KB, less than any of those it asks.
 *
 * @module
 */
import { connect, type Socket } from 'node:net'
import { budgetOf, type Job, type Seen } from './job.ts'

export interface Asked {
  readonly tookMs: readonly number[]
  readonly seconds: number
}

/** No answer at all for so long is a fault of who was asked. */
const SILENCE_MS = 10_000

/** One buffer for all sockets: what is read is looked at and forgotten. */
const shared = Buffer.allocUnsafe(256 * 1024)

/** Follows what arrives on one connection: `read` is true when an answer is whole; throws when it is wrong. */
export interface Reader {
  read(bytes: Buffer): boolean
}

/** Asks over connections that stay open. */
export function askKept(job: Job, request: Buffer, createReader: () => Reader): Promise<Asked> {
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
export function askOnce(job: Job, request: Buffer, createReader: () => Reader): Promise<Asked> {
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
export function dial(
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

/** What a client tells of what it saw. */
export function summary({ tookMs, seconds }: Asked): Seen {
  const sorted = Float64Array.from(tookMs).sort()
  const rank = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? 0
  return { requests: sorted.length, seconds, p50Ms: rank(0.5), p99Ms: rank(0.99) }
}
