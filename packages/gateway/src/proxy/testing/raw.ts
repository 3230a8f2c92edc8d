/**
 * Raw ends of connections, for tests where the bytes matter.
 *
 * @module
 */
import { createServer as createHttp, type Server as HttpServer, type RequestListener } from 'node:http'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'

/** Waits until something is true; fails with what it waited for. */
export async function until(what: string, isTrue: () => boolean, timeoutMs = 5000): Promise<void> {
  const end = performance.now() + timeoutMs
  while (!isTrue()) {
    if (performance.now() > end) throw new Error(`waited ${timeoutMs} ms for: ${what}`)
    await delay(5)
  }
}

export interface RawClient {
  readonly socket: Socket
  /** Everything that came, as latin1. */
  readonly text: string
  readonly isClosed: boolean
  /** True when the other side ended its stream properly. */
  readonly isEnded: boolean
  readonly error: NodeJS.ErrnoException | undefined
  send(bytes: string | Buffer): void
  /** Waits until the text holds this. */
  sees(part: string | RegExp): Promise<void>
  closed(timeoutMs?: number): Promise<string>
}

/** Opens a connection and keeps what comes in. */
export function rawClient(t: TestContext, port: number, bytes?: string): RawClient {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  return rawEnd(t, socket, bytes)
}

/** Keeps what comes in on a socket. */
export function rawEnd(t: TestContext, socket: Socket, bytes?: string): RawClient {
  let text = ''
  let isClosed = false
  let isEnded = false
  let error: NodeJS.ErrnoException | undefined
  socket.setNoDelay(true)
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  socket.on('error', (cause) => {
    error = cause
  })
  socket.on('end', () => {
    isEnded = true
    socket.end()
  })
  socket.on('close', () => {
    isClosed = true
  })
  t.after(() => socket.destroy())
  if (bytes !== undefined) socket.write(bytes, 'latin1')
  return {
    socket,
    get text() {
      return text
    },
    get isClosed() {
      return isClosed
    },
    get isEnded() {
      return isEnded
    },
    get error() {
      return error
    },
    send: (more) => void socket.write(more as string, 'latin1'),
    sees: (part) =>
      until(`${part} in ${JSON.stringify(text)}`, () =>
        typeof part === 'string' ? text.includes(part) : part.test(text),
      ).catch((cause: Error) => {
        throw new Error(`${cause.message}; got ${JSON.stringify(text)}`)
      }),
    async closed(timeoutMs) {
      await until('the connection to close', () => isClosed, timeoutMs)
      return text
    },
  }
}

/** A server of raw connections; each comes with what it received so far. */
export async function rawServer(
  t: TestContext,
  onConnection: (end: RawClient, index: number) => void,
): Promise<{ port: number; ends: RawClient[]; server: Server }> {
  const ends: RawClient[] = []
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const end = rawEnd(t, socket)
    ends.push(end)
    onConnection(end, ends.length - 1)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return { port: (server.address() as AddressInfo).port, ends, server }
}

/** Runs something each time a raw end has received a whole request head. */
export function onHead(end: RawClient, answer: (head: string, index: number) => void): void {
  let from = 0
  let index = 0
  end.socket.on('data', () => {
    for (;;) {
      const at = end.text.indexOf('\r\n\r\n', from)
      if (at < 0) return
      const head = end.text.slice(from, at + 4)
      from = at + 4
      if (!/^[A-Z]+ \S+ HTTP/.test(head)) continue
      answer(head, index++)
    }
  })
}

/** An ordinary service. */
export async function httpService(
  t: TestContext,
  listener: RequestListener,
): Promise<{ port: number; server: HttpServer }> {
  const server = createHttp(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, server }
}

/** A port nobody listens on. */
export async function deadPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
