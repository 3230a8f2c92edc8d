/**
 * Our own cookies: found, and kept from services. All other bytes of the header stay as they came: browsers and apps
 * disagree about quoting, and it is not ours to settle.
 *
 * @module
 */
import { LOGIN_COOKIE } from '@hydra-gateway/protocol'
import type { RequestHead } from '../http1/head.ts'
import { COOKIE } from '../http1/names.ts'

/** Where a visitor was sent before (signed); never for services. */
export const ROUTE_COOKIE = 'HYDRA-ROUTE'
/** Switches tracing on for a visitor; never for services. */
export const DEBUG_COOKIE = 'HYDRA-DEBUG'
/** The login; for registered services only. */
export { LOGIN_COOKIE } from '@hydra-gateway/protocol'

/** Values of a cookie of ours in all `Cookie` lines; HTTP/2 may split one header into several. */
export function cookieValues(lines: readonly string[], name: string): string[] {
  const prefix = `${name}=`
  const values: string[] = []
  for (const line of lines) {
    if (!line.includes(prefix)) continue
    for (const pair of line.split(';')) {
      const trimmed = pair.trim()
      if (trimmed.startsWith(prefix)) values.push(trimmed.slice(prefix.length))
    }
  }
  return values
}

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

/** `HYDRA-` somewhere in there. */
function holdsOurs(bytes: Buffer, from: number, to: number): boolean {
  for (let i = from; i < to - 5; i++) {
    if (
      bytes[i] === 0x48 &&
      bytes[i + 1] === 0x59 &&
      bytes[i + 2] === 0x44 &&
      bytes[i + 3] === 0x52 &&
      bytes[i + 4] === 0x41 &&
      bytes[i + 5] === 0x2d
    ) {
      return true
    }
  }
  return false
}

/** Whether a cookie of ours may be among those of a request. */
export function holdsOurCookies(head: RequestHead): boolean {
  const { count, id, valueAt, valueEnd } = head.lines()
  for (let i = 0; i < count; i++) {
    if (id[i] === COOKIE && holdsOurs(head.bytes, valueAt[i]!, valueEnd[i]!)) return true
  }
  return false
}
