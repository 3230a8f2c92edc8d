/**
 * Asks for a page the way a browser's address bar does; `fetch` may not say so of itself.
 *
 * @module
 */
import { request } from 'node:http'

export interface Page {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
  /** `HYDRA-ROUTE=…`, ready to be sent back, when the answer set it; the whole line is in `headers`. */
  readonly routeCookie: string | undefined
}

export function navigate(url: string, headers: Record<string, string> = {}): Promise<Page> {
  return new Promise((resolve, reject) => {
    const call = request(url, {
      headers: {
        accept: 'text/html,*/*;q=0.8',
        'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'document',
        ...headers,
      },
    })
    call.on('error', reject).on('response', (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk) => {
        body += chunk
      })
      response.on('error', reject).on('end', () => {
        const set = response.headers['set-cookie']?.find((line) => line.startsWith('HYDRA-ROUTE='))
        resolve({
          status: response.statusCode!,
          headers: response.headers,
          body,
          routeCookie: set?.split(';')[0],
        })
      })
    })
    call.end()
  })
}
