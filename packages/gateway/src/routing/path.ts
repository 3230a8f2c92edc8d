/**
 * Canonical paths: every request path is brought into one form before anything looks at it, and that form is
 * what is matched and forwarded (design D4). Whatever two servers could read differently is refused.
 *
 * Refused: raw controls, spaces, `#`, backslash and anything beyond ASCII; `%00`, `%5c`, invalid escapes and
 * invalid UTF-8; dot segments that are encoded, carry a parameter (`..;x`), climb above the root, or step
 * over a segment that is empty or holds `%2f`. Resolved: plain `.` and `..`. Reported: `%2f`, which only a
 * route that keeps it may receive. All else, empty segments included, goes on exactly as received.
 *
 * @module
 */

export interface CanonicalPath {
  readonly problem: undefined
  readonly path: string
  /** True when the path holds `%2f`: 400, unless the route it matches has `encodedSlash: 'keep'`. */
  readonly encodedSlash: boolean
}

/** A path that gets 400. */
export interface PathProblem {
  /** Why, in words for the caller. */
  readonly problem: string
}

export interface Target extends CanonicalPath {
  /** `?` and what follows, as received; empty when there is none. */
  readonly query: string
}

/** Splits an origin-form request target and brings its path into canonical form. */
export function readTarget(target: string): Target | PathProblem {
  const mark = target.indexOf('?')
  const canonical = canonicalPath(mark < 0 ? target : target.slice(0, mark))
  if (canonical.problem !== undefined) return canonical
  const { path, encodedSlash } = canonical
  return { problem: undefined, path, encodedSlash, query: mark < 0 ? '' : target.slice(mark) }
}

/** Brings a path into canonical form. `rawPath` is as received, without its query. */
export function canonicalPath(rawPath: string): CanonicalPath | PathProblem {
  if (isOrdinaryPath(rawPath)) return { problem: undefined, path: rawPath, encodedSlash: false }
  if (rawPath.charCodeAt(0) !== SLASH) return { problem: 'the path does not begin with /' }
  if (FORBIDDEN.test(rawPath)) return { problem: 'the path holds a character that must be encoded' }

  let hasDots = false
  let encodedSlash = false
  for (const segment of rawPath.slice(1).split('/')) {
    if (segment === '.' || segment === '..') {
      hasDots = true
      continue
    }
    if (!segment.includes('%')) {
      if (DOTS_WITH_PARAMETER.test(segment))
        return { problem: 'the path holds a dot segment with a parameter' }
      continue
    }
    const decoded = decode(segment)
    if (decoded === undefined) return { problem: 'the path holds an invalid escape' }
    if (decoded.includes('\0')) return { problem: 'the path holds an encoded NUL' }
    if (decoded.includes('\\')) return { problem: 'the path holds an encoded backslash' }
    // A service that decodes before it resolves would see a dot segment of its own in `..%2f`.
    if (decoded.split('/').some(isDisguisedDots)) return { problem: 'the path holds an encoded dot segment' }
    if (decoded.includes('/')) encodedSlash = true
  }
  if (!hasDots) return { problem: undefined, path: rawPath, encodedSlash }
  const path = resolveDots(rawPath)
  if (path === undefined) return { problem: 'the path climbs out of what it names' }
  return { problem: undefined, path, encodedSlash }
}

/** True for a path that is canonical as it stands, with nothing encoded. Allocates nothing. */
export function isOrdinaryPath(rawPath: string): boolean {
  const { length } = rawPath
  let previous = 0
  for (let at = 0; at < length; at++) {
    const code = rawPath.charCodeAt(at)
    if (code > 126 || ORDINARY[code] === 0 || (code === DOT && previous === SLASH)) return false
    previous = code
  }
  return rawPath.charCodeAt(0) === SLASH
}

const SLASH = 47
const DOT = 46
const PERCENT = 37

/** Controls, space, backslash, `#` (a fragment never belongs in a request), DEL, everything beyond ASCII. */
const FORBIDDEN = /[^\x21\x22\x24-\x5b\x5d-\x7e]/
const DOTS_WITH_PARAMETER = /^\.{1,2};/

const ORDINARY = Uint8Array.from({ length: 128 }, (_, code) =>
  code !== PERCENT && !FORBIDDEN.test(String.fromCharCode(code)) ? 1 : 0,
)

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}

function isDisguisedDots(segment: string): boolean {
  return segment === '.' || segment === '..' || DOTS_WITH_PARAMETER.test(segment)
}

/**
 * Removes plain dot segments (RFC 3986, 5.2.4). Undefined when `..` would leave the root, or take away a segment
 * that is empty or holds an encoded slash: servers that merge or decode slashes first mean another one.
 */
function resolveDots(path: string): string | undefined {
  const kept: string[] = []
  const segments = path.slice(1).split('/')
  for (const segment of segments) {
    if (segment === '.') continue
    if (segment !== '..') kept.push(segment)
    else if (!isPlainStep(kept.pop())) return undefined
  }
  const last = segments.at(-1)
  // `/a/.` and `/a/b/..` name what is inside /a.
  if (last === '.' || last === '..') kept.push('')
  return `/${kept.join('/')}`
}

function isPlainStep(segment: string | undefined): boolean {
  return segment !== undefined && segment !== '' && !/%2f/i.test(segment)
}
