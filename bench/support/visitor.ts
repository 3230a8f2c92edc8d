/**
 * A visitor: asks the gateway for pages over one keep-alive connection, one after the other.
 *
 * @module
 */
import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

export interface Seen {
  readonly status: number
  readonly body: string
  /** When the answer was complete, on the clock of `performance.now()`. */
  readonly atMs: number
}

export interface Watched extends Seen {
  /** Requests it took, the last one included. */
  readonly requests: number
  /** How often each status came before. */
  readonly before: ReadonlyMap<number, number>
}

export interface Visitor {
  get(path: string): Promise<Seen>
  /** Posts as Medusa's clients do, over the same kept connection. */
  post(path: string, contentType: string, body: string): Promise<Seen>
  /** Asks again and again until an answer fits; rejects when none did in time. */
  until(path: string, fits: (seen: Seen) => boolean, options?: UntilOptions): Promise<Watched>
  close(): void
}

export interface UntilOptions {
  /** Pause after each answer, ms. @default 1 */
  readonly pauseMs?: number
  /** @default 10000 */
  readonly withinMs?: number
}

export function createVisitor(port: number): Visitor {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const send = (
    method: string,
    path: string,
    headers: Record<string, string | number>,
    body?: string,
  ): Promise<Seen> =>
    new Promise((resolve, reject) => {
      const call = request({ agent, host: '127.0.0.1', port, method, path, headers, timeout: 10_000 })
      call.on('error', reject)
      call.on('timeout', () => call.destroy(new Error(`${method} ${path}: no answer`)))
      call.on('response', (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk) => {
          text += chunk
        })
        response.on('error', reject)
        response.on('end', () =>
          resolve({ status: response.statusCode!, body: text, atMs: performance.now() }),
        )
      })
      call.end(body)
    })
  const get = (path: string) => send('GET', path, { accept: 'text/html' })
  return {
    get,
    post: (path, contentType, body) =>
      send('POST', path, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) }, body),
    async until(path, fits, { pauseMs = 1, withinMs = 10_000 } = {}) {
      const deadlineMs = performance.now() + withinMs
      const before = new Map<number, number>()
      for (let requests = 1; ; requests++) {
        const seen = await get(path)
        if (fits(seen)) return { ...seen, requests, before }
        if (seen.atMs > deadlineMs) throw new Error(`${path} is still ${seen.status} after ${withinMs} ms`)
        before.set(seen.status, (before.get(seen.status) ?? 0) + 1)
        await delay(pauseMs)
      }
    },
    close: () => agent.destroy(),
  }
}
