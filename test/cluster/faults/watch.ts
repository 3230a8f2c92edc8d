/**
 * Asks again and again until an answer is as it has to be, and says when that was.
 *
 * @module
 */
import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

export interface Seen {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

const EVERY_MS = 2

/** Resolves with `performance.now()` of the first answer that fits; rejects after `withinMs`. A broken connection fits nothing. */
export async function whenSeen(
  url: string,
  fits: (seen: Seen) => boolean,
  {
    headers = {},
    withinMs = 10_000,
  }: { readonly headers?: Record<string, string>; readonly withinMs?: number } = {},
): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const deadline = performance.now() + withinMs
  let last: Seen | undefined
  try {
    for (;;) {
      last = (await ask(url, agent, headers).catch(() => undefined)) ?? last
      const now = performance.now()
      if (last && fits(last)) return now
      if (now > deadline)
        throw new Error(`${url} answered ${last?.status} for ${withinMs} ms: ${last?.body.slice(0, 200)}`)
      await delay(EVERY_MS)
    }
  } finally {
    agent.destroy()
  }
}

/** One GET. */
export function ask(url: string, agent: Agent | false, headers: Record<string, string> = {}): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const call = request(url, { agent, headers, timeout: 5000 })
    call.on('timeout', () => call.destroy(new Error('no answer')))
    call.on('error', reject)
    call.on('response', (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (piece) => {
        body += piece
      })
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }))
    })
    call.end()
  })
}
