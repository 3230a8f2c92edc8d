/**
 * One HTTP request. Not `fetch`, which refuses ports that browsers refuse and can't set `Host`.
 *
 * @module
 */
import { type IncomingHttpHeaders, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { getCACertificates } from 'node:tls'

export interface Asked {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Empty unless it was wanted. */
  readonly body: string
}

export interface AskOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** False leaves as soon as the head is there: a page may be endless. @default true */
  readonly wantsBody?: boolean
  /** Sent as the body. */
  readonly json?: unknown
  /** Certificates to trust beside the well-known ones, in PEM form. */
  readonly trust?: readonly string[]
}

const TIMEOUT_MS = 5000

/** Asks once, follows no redirect. Rejects with a sentence or a system error when no whole answer comes in time. */
export function ask(
  url: URL,
  { method = 'GET', headers = {}, wantsBody = true, json, trust = [] }: AskOptions = {},
): Promise<Asked> {
  const body = json === undefined ? undefined : JSON.stringify(json)
  const sent = body === undefined ? headers : { ...headers, 'content-type': 'application/json' }
  const request = url.protocol === 'https:' ? requestHttps : requestHttp
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers: sent, agent: false, ...trusting(trust) }, (response) => {
      const { statusCode: status = 0 } = response
      const chunks: Buffer[] = []
      response.on('error', reject)
      if (!wantsBody) {
        done({ status, headers: response.headers, body: '' })
        return void response.destroy()
      }
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        done({ status, headers: response.headers, body: Buffer.concat(chunks).toString() }),
      )
    })
    const timer = setTimeout(
      () => asked.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)),
      TIMEOUT_MS,
    )
    const done = (answer: Asked): void => {
      clearTimeout(timer)
      resolve(answer)
    }
    asked.on('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    asked.end(body)
  })
}

function trusting(trust: readonly string[]): { ca?: string[] } {
  return trust.length === 0 ? {} : { ca: [...getCACertificates('default'), ...trust] }
}
