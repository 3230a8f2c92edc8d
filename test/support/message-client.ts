/**
 * A client of the classic protocol, for tests: a real WebSocket, and everything that came on it.
 *
 * @module
 */
import type { TestContext } from 'node:test'
import { type ClientOptions, WebSocket } from 'ws'
import { eventually } from './eventually.ts'

export interface ShortMessage {
  readonly to: string
  readonly frm?: string
  readonly mid: string
  readonly rmid?: string
  readonly typ?: string
  readonly via?: string
  readonly fwd?: string
  readonly bdy: any
  readonly [more: string]: unknown
}

export interface TestClient {
  /** As the connection message said it last. */
  readonly id: string
  readonly webSocket: WebSocket
  /** All that came, without connection messages. */
  readonly got: readonly ShortMessage[]
  /** Connection messages. */
  readonly hellos: readonly ShortMessage[]
  send(message: Readonly<Record<string, unknown>> | string | Buffer): string
  /** The next message not asked for yet that fits. */
  next(fits?: (message: ShortMessage) => boolean): Promise<ShortMessage>
  /** The answer to a message that is sent now. */
  ask(message: Readonly<Record<string, unknown>>): Promise<ShortMessage>
  /** Resolves with the code it was closed with. */
  closed(): Promise<number>
  close(): Promise<number>
}

let sent = 0

/** Opens a socket and waits for the connection message. */
export async function openClient(
  t: Pick<TestContext, 'after'>,
  url: string,
  options: ClientOptions = {},
): Promise<TestClient> {
  const webSocket = new WebSocket(url, { perMessageDeflate: false, ...options })
  const got: ShortMessage[] = []
  const hellos: ShortMessage[] = []
  const taken = new Set<ShortMessage>()
  let code: number | undefined
  webSocket.on('message', (data) => {
    const message = JSON.parse(String(data)) as ShortMessage
    if (message.typ === 'connection') hellos.push(message)
    else got.push(message)
  })
  webSocket.on('close', (closedWith) => {
    code = closedWith
  })
  webSocket.on('error', () => {})
  t.after(() => webSocket.terminate())
  const closed = () =>
    eventually(() => {
      if (code === undefined) throw new Error('the socket is still open')
      return code
    })
  const client: TestClient = {
    get id() {
      return hellos.at(-1)!.bdy.id as string
    },
    webSocket,
    got,
    hellos,
    send(message) {
      if (typeof message === 'string' || Buffer.isBuffer(message)) {
        webSocket.send(message)
        return ''
      }
      const mid = (message.mid as string | undefined) ?? `m${++sent}`
      webSocket.send(JSON.stringify({ mid, frm: 'client:/', bdy: {}, ...message }))
      return mid
    },
    next: (fits = () => true) =>
      eventually(() => {
        const found = got.find((message) => !taken.has(message) && fits(message))
        if (!found) throw new Error(`nothing fits; there is ${JSON.stringify(got).slice(0, 2000)}`)
        taken.add(found)
        return found
      }),
    ask(message) {
      const mid = client.send(message)
      return client.next(({ rmid }) => rmid === mid)
    },
    closed,
    close() {
      webSocket.close()
      return closed()
    },
  }
  await eventually(() => {
    if (hellos.length === 0 && code === undefined) throw new Error('no connection message came')
  })
  return client
}
