/**
 * One HTTP request to its end.
 *
 * @module
 */
import { type Agent, type IncomingHttpHeaders, request } from 'node:http'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface AskOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
  readonly agent?: Agent
  /** @default 10000 */
  readonly withinMs?: number
}

/** Headers of a browser's address bar. */
export const AS_BROWSER: Readonly<Record<string, string>> = {
  accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
}

/** Rejects when there is no answer, or only a part of one. */
export function ask(url: string, options: AskOptions = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body, agent, withinMs = 10_000 } = options
  return new Promise((resolve, reject) => {
    const call = request(url, { method, headers, ...(agent ? { agent } : {}), timeout: withinMs })
    call.on('timeout', () => call.destroy(new Error(`no answer within ${withinMs} ms`)))
    call.on('error', reject)
    call.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('error', reject)
      response.on('data', (chunk) => chunks.push(chunk))
      response.on('end', () =>
        resolve({
          status: response.statusCode!,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      )
    })
    call.end(body)
  })
}
