/**
 * Fallbacks: what a service wants shown while nobody answers for it (design D11).
 *
 * One text, three readings: HTML, a path of this site, or an http(s) URL. Pure; a faulty one is refused when it is
 * declared, so that an outage never brings it to light. Whether a redirect may be used now is decided at the answer.
 *
 * @module
 */

export type Fallback =
  /** A document, sent as it is. */
  | { readonly kind: 'html'; readonly html: string }
  /** `location` is ready for a header; `path` is it without query and fragment. */
  | { readonly kind: 'path'; readonly location: string; readonly path: string }
  /** `authority` is lower-case, with a port that is not the scheme's own. */
  | { readonly kind: 'url'; readonly location: string; readonly authority: string; readonly path: string }

const MAX_LOCATION = 2048
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/

/** What is wrong with a fallback, as the end of "its fallback …"; nothing when it can be used. */
export function fallbackProblem(text: string): string | undefined {
  const read = readFallback(text)
  return typeof read === 'string' ? read : undefined
}

/** Reads a fallback; nothing when it can't be used (`fallbackProblem` says why). */
export function parseFallback(text: string): Fallback | undefined {
  const read = readFallback(text)
  return typeof read === 'string' ? undefined : read
}

function readFallback(text: string): Fallback | string {
  const trimmed = text.trim()
  if (trimmed === '') return 'is empty'
  if (trimmed.startsWith('<')) return { kind: 'html', html: text }
  if (trimmed.length > MAX_LOCATION) return `is an address of more than ${MAX_LOCATION} characters`
  // Browsers drop tabs and line breaks from addresses, which turns `/<tab>/elsewhere` into another host.
  if (CONTROL.test(trimmed)) return 'is an address with control characters'
  return trimmed.startsWith('/') ? readPath(trimmed) : readUrl(trimmed)
}

function readPath(text: string): Fallback | string {
  const elsewhere = 'begins like a path but leads to another host'
  if (text.startsWith('//') || text.startsWith('/\\')) return elsewhere
  const url = URL.parse(text, 'http://site.invalid')
  if (!url) return 'is not a path that can be read'
  // `/.//host` is a path until its dot segment is resolved.
  if (url.pathname.startsWith('//')) return elsewhere
  return { kind: 'path', location: url.pathname + url.search + url.hash, path: url.pathname }
}

function readUrl(text: string): Fallback | string {
  const url = /^https?:\/\//i.test(text) ? URL.parse(text) : null
  if (!url) return 'is neither HTML, a path, nor an http(s) URL'
  if (url.username !== '' || url.password !== '') return 'is a URL with a user name or password'
  return { kind: 'url', location: url.href, authority: url.host, path: url.pathname }
}
