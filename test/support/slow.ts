/**
 * Visitors who take their time: with a head, with a body, with reading.
 *
 * @module
 */
import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

export interface Slow {
  /** How many connections the gateway has closed. */
  readonly closed: number
  /** How many were answered with each status before. */
  readonly statuses: ReadonlyMap<number, number>
  stop(): void
}

export interface SlowOptions {
  readonly port: number
  readonly count: number
  /** Sent at once. */
  readonly first: string
  /** Sent again and again afterwards. */
  readonly drop: string
  readonly everyMs: number
}

/** Opens connections that say a little at a time, until they are closed or the test ends. */
export function startSlow(
  t: Pick<TestContext, 'after'>,
  { port, count, first, drop, everyMs }: SlowOptions,
): Slow {
  let closed = 0
  const statuses = new Map<number, number>()
  const sockets: Socket[] = Array.from({ length: count }, () => {
    const socket = connect(port, '127.0.0.1').setNoDelay(true)
    let text = ''
    socket.write(first)
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      text = (text + chunk.toString('latin1')).slice(0, 1000)
    })
    socket.on('close', () => {
      closed++
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    })
    return socket
  })
  const timer = setInterval(() => {
    for (const socket of sockets) if (socket.writable) socket.write(drop)
  }, everyMs)
  const stop = () => {
    clearInterval(timer)
    for (const socket of sockets) socket.destroy()
  }
  t.after(stop)
  return {
    get closed() {
      return closed
    },
    statuses,
    stop,
  }
}

export interface SlowReader {
  /** Bytes taken so far, head included. */
  readonly bytes: number
  readonly isClosed: boolean
  /** Reads on as fast as it comes. */
  hurry(): void
  destroy(): void
}

/** Asks for something and reads `chunkBytes` of it every `everyMs`. `onData` gets what was read. */
export function startSlowReader(
  t: Pick<TestContext, 'after'>,
  {
    port,
    request,
    everyMs,
    onData,
  }: { port: number; request: string; everyMs: number; onData: (chunk: Buffer) => void },
): SlowReader {
  let bytes = 0
  let isClosed = false
  const socket = connect({ port, host: '127.0.0.1' })
  socket.on('error', () => {})
  socket.on('close', () => {
    isClosed = true
  })
  socket.on('data', (chunk) => {
    bytes += chunk.length
    onData(chunk)
    if (timer) socket.pause()
  })
  socket.write(request)
  let timer: NodeJS.Timeout | undefined = setInterval(() => socket.resume(), everyMs)
  const destroy = () => {
    clearInterval(timer)
    socket.destroy()
  }
  t.after(destroy)
  return {
    get bytes() {
      return bytes
    },
    get isClosed() {
      return isClosed
    },
    hurry() {
      clearInterval(timer)
      timer = undefined
      socket.resume()
    },
    destroy,
  }
}
