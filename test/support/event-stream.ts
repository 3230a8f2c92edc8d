/**
 * Reads the event stream of a gateway's admin API, for tests.
 *
 * @module
 */
import { get } from 'node:http'
import type { TestContext } from 'node:test'
import type { SiteEvent, WatchHello } from '@hydra-gateway/protocol'

export interface EventStream {
  readonly hello: WatchHello
  /** Events so far, each with when it came, as `performance.now()`. */
  readonly events: readonly { readonly event: SiteEvent; readonly at: number }[]
  /** The id to come back with. */
  readonly lastId: string
  readonly isOver: boolean
  close(): void
}

interface Reached {
  readonly url: string
  readonly publicKey: string
  readonly privateKey: string
}

/** Opens a stream; resolves once it has said hello. */
export function openEventStream(
  t: Pick<TestContext, 'after'>,
  { url, publicKey, privateKey }: Reached,
  { query = '', lastId }: { readonly query?: string; readonly lastId?: string } = {},
): Promise<EventStream> {
  return new Promise((resolve, reject) => {
    const events: { event: SiteEvent; at: number }[] = []
    let isOver = false
    let last = ''
    let rest = ''
    const request = get(
      `${url}/_hydra/api/v1/events${query}`,
      {
        agent: false,
        auth: `${publicKey}:${privateKey}`,
        headers: { ...(lastId === undefined ? {} : { 'last-event-id': lastId }) },
      },
      (response) => {
        if (response.statusCode !== 200) {
          response.resume()
          reject(new Error(`events: ${response.statusCode}`))
          return
        }
        response.setEncoding('utf8')
        response.on('data', (text: string) => {
          const blocks = (rest + text).split('\n\n')
          rest = blocks.pop()!
          for (const block of blocks) read(block)
        })
        response.on('error', () => {})
        response.on('close', () => (isOver = true))
      },
    )
    request.on('error', reject)
    const close = (): void => void request.destroy()
    t.after(close)

    function read(block: string): void {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1]
      last = field('id') ?? last
      const data = field('data')
      if (data === undefined) return
      if (field('event') !== 'hello') {
        events.push({ event: JSON.parse(data), at: performance.now() })
        return
      }
      resolve({
        hello: JSON.parse(data),
        events,
        get lastId() {
          return last
        },
        get isOver() {
          return isOver
        },
        close,
      })
    }
  })
}
