/**
 * A service that keeps every byte it is sent and answers each whole request with 200. What is no request to the
 * strictest reader is kept as a fault.
 *
 * @module
 */
import { type AddressInfo, createServer } from 'node:net'
import type { TestContext } from 'node:test'
import { type Message, readMessage } from './messages.ts'

export interface Recorder {
  readonly port: number
  /** What came since the last call. */
  take(): Received
}

/** What reached the service in some time. */
export interface Received {
  /** Whole requests, in the order of their last bytes. */
  readonly requests: readonly Message[]
  /** Bytes that belong to no whole request. */
  readonly looseBytes: number
  /** Why something was no request. */
  readonly faults: readonly string[]
}

/** Starts one. Answers name what was asked: `GET /path`. */
export async function startRecorder(t: Pick<TestContext, 'after'>): Promise<Recorder> {
  let requests: Message[] = []
  let faults: string[] = []
  let looseBytes = 0
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let text = ''
    let hasContinued = false
    socket.setNoDelay(true)
    socket.on('error', () => {}).on('end', () => socket.end())
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      looseBytes += chunk.length
      try {
        for (;;) {
          const request = readMessage(text, 0, { isRequest: true })
          if (!request) break
          text = text.slice(request.end)
          looseBytes -= request.end
          hasContinued = false
          requests.push(request)
          socket.write(answerTo(request), 'latin1')
        }
        if (!hasContinued && /\r\nexpect:[^\n]*\r\n(?:.*\r\n)*?\r\n/i.test(text)) {
          hasContinued = true
          socket.write('HTTP/1.1 100 Continue\r\n\r\n')
        }
      } catch (error) {
        faults.push((error as Error).message)
        socket.destroy()
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return {
    port: (server.address() as AddressInfo).port,
    take() {
      const taken = { requests, looseBytes, faults }
      requests = []
      faults = []
      looseBytes = 0
      return taken
    },
  }
}

function answerTo({ start }: Message): string {
  const [method, target] = start.split(' ')
  const body = `${method} ${target}`
  return `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${method === 'HEAD' ? '' : body}`
}
