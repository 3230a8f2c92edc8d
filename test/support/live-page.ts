/**
 * An open page without a browser: one stream of `/_hydra/live`, and what it was told.
 *
 * @module
 */
import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import type { TestContext } from 'node:test'
import { eventually } from './eventually.ts'

export interface LiveEvent {
  readonly id: string | undefined
  readonly event: string
  readonly data: any
  /** `performance.now()` as it came. */
  readonly at: number
}

export interface LivePage {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Of an answer that is no stream. */
  readonly body: string
  readonly events: readonly LiveEvent[]
  /** All it was told of, put together as a page does. */
  readonly state: {
    readonly menus: Record<string, any>
    readonly links: Record<string, any>
    readonly fragments: Record<string, boolean>
  }
  readonly isEnded: boolean
  readonly response: IncomingMessage
  close(): void
}

export interface LivePageOptions {
  readonly headers?: Readonly<Record<string, string>>
  /** Reads nothing until `response.resume()`. */
  readonly isPaused?: boolean
}

/** Opens a stream; resolves with its head, and when it is one, with the first state. */
export async function openPage(
  t: Pick<TestContext, 'after'>,
  url: string,
  query: string,
  { headers = {}, isPaused = false }: LivePageOptions = {},
): Promise<LivePage> {
  const asked: ClientRequest = request(`${url}/_hydra/live?${query}`, {
    agent: false,
    headers: { accept: 'text/event-stream', 'sec-fetch-site': 'same-origin', ...headers },
  })
  t.after(() => asked.destroy())
  asked.on('error', () => {})
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    asked.once('response', resolve).once('error', reject).end()
  })
  const events: LiveEvent[] = []
  const state = { menus: {}, links: {}, fragments: {} }
  let rest = ''
  let body = ''
  let isEnded = false
  response.setEncoding('utf8')
  response.on('error', () => {})
  response.on('close', () => {
    isEnded = true
  })
  const isStream = response.headers['content-type'] === 'text/event-stream'
  response.on('data', (chunk: string) => {
    if (!isStream) {
      body += chunk
      return
    }
    const blocks = (rest + chunk).split('\n\n')
    rest = blocks.pop()!
    for (const block of blocks) {
      const event = readEvent(block)
      if (!event) continue
      events.push(event)
      if (event.event !== 'state') continue
      for (const part of ['menus', 'links', 'fragments'] as const)
        Object.assign(state[part], event.data[part])
    }
  })
  if (isPaused) response.pause()
  else
    await eventually(() => {
      if (isStream ? events.length === 0 : !isEnded) throw new Error('no first state')
    })
  return {
    ...{ status: response.statusCode!, headers: response.headers, events, state, response },
    get body() {
      return body
    },
    get isEnded() {
      return isEnded
    },
    close: () => void asked.destroy(),
  }
}

function readEvent(block: string): LiveEvent | undefined {
  const field = (name: string): string | undefined =>
    block
      .split('\n')
      .find((line) => line.startsWith(`${name}:`))
      ?.slice(name.length + 1)
      .trim()
  const event = field('event')
  if (event === undefined) return undefined
  const data = field('data')
  return { id: field('id'), event, data: data ? JSON.parse(data) : undefined, at: performance.now() }
}
