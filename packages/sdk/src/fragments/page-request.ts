/**
 * What a page is told by the request it answers: who it is for, in which language, inside of what.
 *
 * The request is whatever a framework has: anything with headers, of Node's kind or of fetch's.
 *
 * @module
 */
import {
  CONTEXT_HEADER,
  DEPTH_HEADER,
  type FragmentContext,
  preferredLanguage,
} from '@hydra-gateway/protocol'

export interface PageFacts {
  readonly context: FragmentContext
  /** Who sees the page, as far as the gateway tells this service: the same for each of their requests. */
  readonly visitor: string | undefined
}

type Header = (name: string) => string | undefined

/** Cookie of a login at the gateway. */
const LOGIN_COOKIE = 'HYDRA-SSO'
const TOKEN = /^[\w.~+/=-]{1,16384}$/
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?:-[\x21-\x7e]{1,180})?$/
/** `v1.<pseudonym>.<payload>.<mac>`: opaque to services but for these two. */
const CONTEXT = /^v1\.([\w-]{1,128})\.([\w-]*)\.[\w-]+$/
const LONGEST_CONTEXT = 4096

/**
 * Reads a request; without one the page is for nobody in particular.
 *
 * @throws TypeError for something without headers
 */
export function readPageRequest(request: object | undefined): PageFacts {
  if (request === undefined) return { context: { depth: 0 }, visitor: undefined }
  const header = headersOf(request)
  const route = header(CONTEXT_HEADER)
  const known = route !== undefined && route.length <= LONGEST_CONTEXT ? CONTEXT.exec(route) : null
  const token = cookieOf(header('cookie'), LOGIN_COOKIE)
  const traceparent = header('traceparent')
  const locale = preferredLanguage(header('accept-language'))
  return {
    visitor: known?.[1],
    context: {
      depth: depthOf(header(DEPTH_HEADER)),
      ...(known && { route: known[0] }),
      ...(token !== undefined && TOKEN.test(token) && { token }),
      ...(locale !== undefined && { locale }),
      ...(traceparent !== undefined && TRACEPARENT.test(traceparent) && { traceparent }),
      ...(known && wantsXray(known[2] ?? '') && { xray: true }),
    },
  }
}

/** Aborted when the visitor leaves: of fetch's requests, which frameworks abort then. Those of Node end otherwise. */
export function signalOf(request: object | undefined): AbortSignal | undefined {
  const { req, raw } = (request ?? {}) as { req?: { raw?: unknown }; raw?: unknown }
  for (const candidate of [request, raw, req?.raw]) {
    if (typeof candidate !== 'object' || candidate === null) continue
    const { headers, signal } = candidate as Partial<Request>
    if (typeof headers?.get === 'function' && signal instanceof AbortSignal) return signal
  }
  return undefined
}

/** Of whatever kind the request is; undefined where it doesn't say. */
export function methodOf(request: object | undefined): unknown {
  const { method, req } = (request ?? {}) as { method?: unknown; req?: { method?: unknown } }
  return method ?? req?.method
}

/** The visitor a value of `hydra-context` is about, as this service knows them. */
export function visitorOf(route: string | null | undefined): string | undefined {
  return route ? CONTEXT.exec(route)?.[1] : undefined
}

/** Requests of Node, Express, Fastify and fetch have headers; contexts of Hono and Koa have a request. */
function headersOf(request: object): Header {
  if (typeof request !== 'object' || request === null) throw noHeaders()
  const { req, raw, headers } = request as { req?: unknown; raw?: unknown; headers?: unknown }
  const inner = (req as { raw?: unknown } | undefined)?.raw
  for (const candidate of [headers, ...[raw, req, inner].map(headersIn)]) {
    if (typeof candidate !== 'object' || candidate === null) continue
    if (typeof (candidate as Headers).get === 'function')
      return (name) => (candidate as Headers).get(name) ?? undefined
    const lines = candidate as Readonly<Record<string, unknown>>
    return (name) => {
      const value = Object.hasOwn(lines, name) ? lines[name] : undefined
      if (Array.isArray(value)) return value.join(', ')
      return typeof value === 'string' ? value : undefined
    }
  }
  throw noHeaders()
}

function noHeaders(): TypeError {
  return new TypeError('the request of a page must have headers, such as the request of your framework')
}

function headersIn(request: unknown): unknown {
  return typeof request === 'object' && request !== null
    ? (request as { headers?: unknown }).headers
    : undefined
}

function cookieOf(header: string | undefined, name: string): string | undefined {
  for (const pair of header?.split(/; */) ?? []) {
    if (pair.startsWith(`${name}=`)) return pair.slice(name.length + 1).replace(/^"(.*)"$/, '$1')
  }
  return undefined
}

function depthOf(header: string | undefined): number {
  return header !== undefined && /^\d{1,4}$/.test(header) ? Number(header) : 0
}

/** A hint only: the gateway gives reports to those whom it allowed to ask. */
function wantsXray(payload: string): boolean {
  try {
    const said: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString())
    return typeof said === 'object' && said !== null && (said as { x?: unknown }).x === 1
  } catch {
    return false
  }
}
