/**
 * Requests of whatever kind a framework has: Node's, Express's, Fastify's, fetch's, contexts of Hono and Koa. Pure.
 *
 * @module
 */

/** One header by its lower-case name; several of a name as one text. */
export type Header = (name: string) => string | undefined

type Loose = Readonly<Record<string, unknown>>

/** Headers of a request; undefined for something without. */
export function headersOf(request: unknown): Header | undefined {
  if (!isObject(request)) return undefined
  const { req, raw, headers } = request
  const inner = isObject(req) ? req.raw : undefined
  for (const candidate of [headers, ...[raw, req, inner].map(headersIn)]) {
    if (isObject(candidate)) return readerOf(candidate)
  }
  return undefined
}

/** The same, where the headers themselves may be given: `Headers`, or an object of lines in any case. */
export function headersOfAnything(request: unknown): Header | undefined {
  const found = headersOf(request)
  if (found || !isObject(request)) return found
  if (typeof request.get === 'function') return readerOf(request)
  const lines = Object.entries(request).map(([name, value]) => [name.toLowerCase(), value] as const)
  return lines.every(([, value]) => value === undefined || typeof value === 'string' || Array.isArray(value))
    ? readerOf(Object.fromEntries(lines))
    : undefined
}

/** Of whatever kind the request is; undefined where it doesn't say. */
export function methodOf(request: unknown): unknown {
  if (!isObject(request)) return undefined
  const { method, req } = request
  return method ?? (isObject(req) ? req.method : undefined)
}

/** Path and query, or a whole URL. */
export function targetOf(request: unknown): string | undefined {
  if (!isObject(request)) return undefined
  const { originalUrl, url, req } = request
  return [originalUrl, url, isObject(req) ? req.url : undefined].find((one) => typeof one === 'string')
}

/** Path and query a request asks for, as the service sees it; undefined where it doesn't say. */
export function addressOf(request: unknown): string | undefined {
  const target = targetOf(request)
  if (target === undefined || target.startsWith('/')) return target
  if (!URL.canParse(target)) return undefined
  const { pathname, search } = new URL(target)
  return pathname + search
}

/** Address of whoever opened the connection, whatever headers say; undefined where nobody knows. */
export function peerOf(request: unknown): string | undefined {
  if (!isObject(request)) return undefined
  const { socket, raw, req, env } = request
  const incoming = isObject(env) ? env.incoming : undefined
  const sockets = [socket, ...[raw, req, incoming].map((one) => (isObject(one) ? one.socket : undefined))]
  for (const one of sockets)
    if (isObject(one) && typeof one.remoteAddress === 'string') return one.remoteAddress
  return undefined
}

/** The value of a cookie there is one of. Of two of a name nobody can say who set which, so they count as none. */
export function cookieOf(header: string | undefined, name: string): string | undefined {
  const values = (header ?? '')
    .split(';')
    // Blanks and nothing else: what the gateway would not take for this cookie is not this cookie.
    .map((pair) => pair.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter((pair) => pair.startsWith(`${name}=`))
  return values.length === 1 ? values[0]!.slice(name.length + 1).replace(/^"(.*)"$/, '$1') : undefined
}

/** Whether the answer becomes a document, as the gateway decides it. */
export function isNavigation(method: unknown, header: Header): boolean {
  if (header('upgrade')?.toLowerCase() === 'websocket') return false
  const mode = header('sec-fetch-mode')
  if (mode !== undefined) return mode === 'navigate'
  return (method === 'GET' || method === 'HEAD') && (header('accept')?.includes('text/html') ?? false)
}

function readerOf(headers: Loose): Header {
  if (typeof headers.get === 'function') {
    const fetched = headers as unknown as Headers
    return (name) => fetched.get(name) ?? undefined
  }
  return (name) => {
    const value = Object.hasOwn(headers, name) ? headers[name] : undefined
    if (Array.isArray(value)) return value.join(name === 'cookie' ? '; ' : ', ')
    return typeof value === 'string' ? value : undefined
  }
}

function headersIn(request: unknown): unknown {
  return isObject(request) ? request.headers : undefined
}

function isObject(value: unknown): value is Loose {
  return typeof value === 'object' && value !== null
}
