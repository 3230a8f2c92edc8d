/**
 * Where somebody goes after a sign-in: an address of this site and no other, however it is written.
 *
 * @module
 */
import { isAllowedOrigin } from '../proxy/origin.ts'

const MOST_CHARACTERS = 4096
/** No site has this name: what a reference resolves to shows whether it stays where it is. */
const HERE = 'http://here.invalid'

/**
 * The address in a `ref=` (already unescaped once), or undefined when it is none of this site, or one that would lead
 * back into the sign-in.
 */
export function readReturn(ref: string | null | undefined): string | undefined {
  if (ref === null || ref === undefined || ref.length > MOST_CHARACTERS) return undefined
  // Browsers read a backslash as a slash, and drop tabs and line breaks wherever they stand (WHATWG URL, 4.4).
  if (!/^\/(?![/\\])[^\\\u0000-\u001f\u007f-\u009f]*$/.test(ref) || !URL.canParse(ref, HERE)) return undefined
  const { origin, pathname, search, hash } = new URL(ref, HERE)
  if (origin !== HERE || !isOrdinary(pathname)) return undefined
  const written = `${pathname}${search}${hash}`
  if (written.length > MOST_CHARACTERS) return undefined
  // What a browser would send as it stands comes back as it was.
  return /^[\x21-\x7e]+$/.test(ref) ? ref : written
}

/** Whether a path, dots already resolved, leads to pages, read the way the most generous reader would. */
function isOrdinary(pathname: string): boolean {
  let path: string
  try {
    path = decodeURIComponent(pathname)
  } catch {
    return false
  }
  if (/^\/[/\\]|[\\\u0000-\u001f\u007f]/.test(path)) return false
  return path !== '/login' && path !== '/logout' && path !== '/_hydra' && !path.startsWith('/_hydra/')
}

/** The page in a `Referer` header, without its query, when it is one of this site. */
export function returnFromReferer(
  referer: string | undefined,
  authority: string,
  publicUrl: string | undefined,
): string | undefined {
  if (referer === undefined || referer.length > MOST_CHARACTERS || !URL.canParse(referer)) return undefined
  const { origin, pathname } = new URL(referer)
  if (!isAllowedOrigin(origin, authority, { allowedOrigins: [], publicUrl })) return undefined
  return readReturn(pathname)
}
