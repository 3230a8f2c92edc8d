/**
 * A stand-in gateway that keeps the bytes: answers a Medusa client as a gateway does, and records each
 * request exactly as it came over the socket.
 *
 * @module
 */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

/** One request as received. */
export interface Recorded {
  /** Milliseconds on the monotonic clock at which its last byte was here. */
  readonly atMs: number
  /** Counts TCP connections from 1: equal numbers mean a reused connection. */
  readonly connection: number
  readonly requestLine: string
  /** Header lines in their order and spelling. */
  readonly headerLines: readonly string[]
  readonly body: Buffer
}

/** The value of a header of a recorded request, whatever its spelling. */
export function header({ headerLines }: Recorded, name: string): string | undefined {
  const line = headerLines.find((candidate) => candidate.toLowerCase().startsWith(`${name}:`))
  return line?.slice(name.length + 1).trim()
}

/** Listens on a free loopback port. `answer` gives status and JSON body for each request, or none to let it wait. */
export async function createRecorder({
  answer,
}: {
  answer: (request: Recorded) => readonly [status: number, body: string] | undefined
}) {
  const requests: Recorded[] = []
  const waiting = new Set<() => void>()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    const connection = sockets.size
    let received: Buffer<ArrayBufferLike> = Buffer.alloc(0)
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      for (let request = take(); request; request = take()) {
        requests.push(request)
        const given = answer(request)
        if (given) {
          const [status, body] = given
          const type = 'content-type: application/json\r\n'
          socket.write(
            `HTTP/1.1 ${status} X\r\n${type}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
          )
        }
        for (const check of waiting) check()
      }
    })

    function take(): Recorded | undefined {
      const headEnd = received.indexOf('\r\n\r\n')
      if (headEnd < 0) return undefined
      const [requestLine = '', ...headerLines] = received.toString('latin1', 0, headEnd).split('\r\n')
      const length = headerLines.find((line) => /^content-length:/i.test(line))?.split(':')[1]
      const end = headEnd + 4 + Number(length ?? 0)
      if (received.length < end) return undefined
      const body = received.subarray(headEnd + 4, end)
      received = received.subarray(end)
      return { atMs: performance.now(), connection, requestLine, headerLines, body }
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    /** Resolves as soon as the requests so far satisfy `enough`; rejects after `timeoutMs`. */
    until(enough: (requests: readonly Recorded[]) => boolean, timeoutMs: number): Promise<void> {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(check)
          reject(new Error(`not seen within ${timeoutMs} ms: ${enough}`))
        }, timeoutMs)
        const check = () => {
          if (!enough(requests)) return
          clearTimeout(timer)
          waiting.delete(check)
          resolve()
        }
        waiting.add(check)
        check()
      })
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
