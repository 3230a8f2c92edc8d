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
import { readLogin } from '../identity/login.ts'
import { type Header, headersOf } from '../request.ts'

export interface PageFacts {
  readonly context: FragmentContext
  /** Who sees the page, as far as the gateway tells this service: the same for each of their requests. */
  readonly visitor: string | undefined
}

/** The visitor's token in the headers of a request, in the way the service is told of them. */
export type ReadToken = (header: Header, request: unknown) => string | undefined

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?:-[\x21-\x7e]{1,180})?$/
/** `v1.<pseudonym>.<payload>.<mac>`: opaque to services but for these two. */
const CONTEXT = /^v1\.([\w-]{1,128})\.([\w-]*)\.[\w-]+$/
const LONGEST_CONTEXT = 4096

/**
 * Reads a request; without one the page is for nobody in particular.
 *
 * @throws TypeError for something without headers
 */
export function readPageRequest(
  request: object | undefined,
  readToken: ReadToken = (header) => readLogin(header, 'cookie'),
): PageFacts {
  if (request === undefined) return { context: { depth: 0 }, visitor: undefined }
  const header = headersOf(request)
  if (!header)
    throw new TypeError('the request of a page must have headers, such as the request of your framework')
  const route = header(CONTEXT_HEADER)
  const known = route !== undefined && route.length <= LONGEST_CONTEXT ? CONTEXT.exec(route) : null
  const token = readToken(header, request)
  const traceparent = header('traceparent')
  const locale = preferredLanguage(header('accept-language'))
  return {
    visitor: known?.[1],
    context: {
      depth: depthOf(header(DEPTH_HEADER)),
      ...(known && { route: known[0] }),
      ...(token !== undefined && { token }),
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

/** The visitor a value of `hydra-context` is about, as this service knows them. */
export function visitorOf(route: string | null | undefined): string | undefined {
  return route ? CONTEXT.exec(route)?.[1] : undefined
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
