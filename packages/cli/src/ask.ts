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

export interface AskStreamOptions {
  readonly headers: Readonly<Record<string, string>>
  readonly trust: readonly string[]
  onText(text: string): void
  /** The stream is over, or broke; not after `onRefused`. */
  onEnd(error: Error | undefined): void
  /** An answer that is no event stream. */
  onRefused(status: number, body: string): void
}

/** Largest answer that is read of who gives no stream. */
const MOST_REFUSAL_BYTES = 65_536

/** Asks for an event stream, and reads it until it ends. Returns the function that ends it. */
export function askStream(
  url: URL,
  { headers, trust, onText, onEnd, onRefused }: AskStreamOptions,
): () => void {
  const request = url.protocol === 'https:' ? requestHttps : requestHttp
  let isOver = false
  const end = (tell: () => void): void => {
    clearTimeout(timer)
    if (isOver) return
    isOver = true
    tell()
  }
  const asked = request(url, { headers, agent: false, ...trusting(trust) }, (response) => {
    const { statusCode: status = 0 } = response
    const isStream = status === 200 && /^text\/event-stream\b/.test(response.headers['content-type'] ?? '')
    let body = ''
    response.setEncoding('utf8')
    if (isStream) clearTimeout(timer)
    response.on('data', (text: string) => {
      if (isStream) onText(text)
      else if (body.length < MOST_REFUSAL_BYTES) body += text
      else response.destroy(new Error('its answer is no event stream'))
    })
    response.on('error', (error) => end(() => onEnd(error)))
    response.on('end', () => end(() => (isStream ? onEnd(undefined) : onRefused(status, body))))
  })
  const timer = setTimeout(
    () => asked.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)),
    TIMEOUT_MS,
  )
  asked.on('error', (error) => end(() => onEnd(error)))
  asked.on('close', () => end(() => onEnd(undefined)))
  asked.end()
  return () => void asked.destroy()
}

function trusting(trust: readonly string[]): { ca?: string[] } {
  return trust.length === 0 ? {} : { ca: [...getCACertificates('default'), ...trust] }
}
