/**
 * Which cookies a service gets to see. All other bytes of the header stay as they came: browsers and apps
 * disagree about quoting, and it is not ours to settle.
 *
 * @module
 */

/** Where a visitor was sent before (signed); never for services. */
export const ROUTE_COOKIE = 'HYDRA-ROUTE'
/** Switches tracing on for a visitor; never for services. */
export const DEBUG_COOKIE = 'HYDRA-DEBUG'
/** The login; for registered services only. */
export const LOGIN_COOKIE = 'HYDRA-SSO'

/** Removes our own cookies from a `Cookie` header; `undefined` when nothing is left. */
export function filterCookies(value: string, keepLogin: boolean): string | undefined {
  if (!value.includes('HYDRA-')) return value
  const kept = value.split(';').filter((pair) => !isOurs(pair, keepLogin))
  const text = kept.join(';').replace(/^[ \t]+/, '')
  return text.trim() === '' ? undefined : text
}

function isOurs(pair: string, keepLogin: boolean): boolean {
  const equals = pair.indexOf('=')
  const written = (equals < 0 ? pair : pair.slice(0, equals)).trim()
  const name = written.startsWith('__Host-') ? written.slice(7) : written
  return name === ROUTE_COOKIE || name === DEBUG_COOKIE || (name === LOGIN_COOKIE && !keepLogin)
}
