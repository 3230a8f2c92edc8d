/**
 * What the doors of identity answer: pages for people, JSON for programs. Nothing of it may be kept by anybody else.
 *
 * @module
 */
import { PROBLEM_HEADER } from '@hydra-gateway/protocol'
import { CODES, type ErrorCode } from '../errors.ts'
import type { Page } from '../pages/layout.ts'
import { problemResponse } from '../pages/local-problem.ts'
import { prefersHtml } from '../pages/negotiate.ts'
import type { Exchange } from '../proxy/exchange.ts'

const PRIVATE: Readonly<Record<string, string>> = { 'cache-control': 'no-store', vary: 'Accept, Cookie' }

export interface AnswerParts {
  readonly cookies?: readonly string[]
  readonly headers?: Readonly<Record<string, string>>
}

/** Whether a person is shown the answer: a browser that opens a page, or whatever asks for HTML where browsers say no more. */
export function isForPerson({ headers }: Pick<Exchange, 'headers'>): boolean {
  const mode = headers.get('sec-fetch-mode')
  return mode === undefined ? prefersHtml(headers.all('accept').join(',')) : mode === 'navigate'
}

/** Whether a program asks for JSON by name. */
export function isForProgram(exchange: Pick<Exchange, 'headers'>): boolean {
  return !isForPerson(exchange) && /[/+]json\b/i.test(exchange.headers.all('accept').join(','))
}

/** A page. With `code` it stands for a problem, which says the status. */
export function pageAnswer(
  { method }: Pick<Exchange, 'method'>,
  { html, headers }: Page,
  { code, cookies = [], headers: more = {} }: AnswerParts & { readonly code?: ErrorCode } = {},
): Response {
  const problem = code === undefined ? {} : { [PROBLEM_HEADER]: code }
  const status = code === undefined ? 200 : CODES[code][0]
  const all = { ...headers, ...PRIVATE, ...problem, ...more }
  return withCookies(new Response(method === 'HEAD' ? null : html, { status, headers: all }), cookies)
}

export function problemAnswer(
  { id, method }: Pick<Exchange, 'id' | 'method'>,
  code: ErrorCode,
  detail: string | undefined,
  { cookies = [], headers = {} }: AnswerParts = {},
): Response {
  const all = { ...PRIVATE, [PROBLEM_HEADER]: code, ...headers }
  return withCookies(
    problemResponse(code, detail, id, { headers: all, withoutBody: method === 'HEAD' }),
    cookies,
  )
}

/** 405. `allow`: the methods there are, as the header lists them. */
export function methodAnswer(exchange: Pick<Exchange, 'id' | 'method'>, allow: string): Response {
  return problemAnswer(exchange, 'HYDRA_METHOD_NOT_ALLOWED', undefined, { headers: { allow } })
}

export function jsonAnswer(
  { method }: Pick<Exchange, 'method'>,
  body: unknown,
  { cookies = [], headers = {} }: AnswerParts = {},
): Response {
  const all = {
    'content-type': 'application/json',
    'x-content-type-options': 'nosniff',
    ...PRIVATE,
    ...headers,
  }
  return withCookies(new Response(method === 'HEAD' ? null : JSON.stringify(body), { headers: all }), cookies)
}

/** 303: the browser asks for that next, by GET. */
export function redirectAnswer(location: string, { cookies = [], headers = {} }: AnswerParts = {}): Response {
  const all = { ...PRIVATE, ...headers, location }
  return withCookies(new Response(null, { status: 303, headers: all }), cookies)
}

export function emptyAnswer(cookies: readonly string[]): Response {
  return withCookies(new Response(null, { status: 204, headers: PRIVATE }), cookies)
}

function withCookies(response: Response, cookies: readonly string[]): Response {
  for (const cookie of cookies) response.headers.append('set-cookie', cookie)
  return response
}
