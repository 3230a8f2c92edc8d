/**
 * Routes as hydra services keep them in Redis: `[get]/v1/orders/:id`, one text for each.
 *
 * @module
 */
import { PatternError } from './pattern.ts'

/** A route a hydra service registered. */
export interface FlywheelRoute {
  /** Upper-case; undefined when it says none, which means all. */
  readonly methods: readonly string[] | undefined
  /** In the dialect `route-parser`. */
  readonly path: string
}

const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$/

/**
 * Reads `[get]/p`, `[get,post]/p`, or a path without methods.
 *
 * @throws PatternError when its methods are none, or it has no path: no request asks for that
 */
export function readFlywheelRoute(member: string): FlywheelRoute {
  const read = readMember(member)
  if (read.path === '') throw new PatternError(member, 'it has no path')
  return read
}

function readMember(member: string): FlywheelRoute {
  if (!member.startsWith('[')) return { methods: undefined, path: member }
  const close = member.indexOf(']')
  if (close < 0) throw new PatternError(member, 'a [ has no ]')
  const methods = member
    .slice(1, close)
    .split(',', 32)
    .map((method) => method.trim().toUpperCase())
    .filter((method) => method !== '')
  const wrong = methods.find((method) => !METHOD.test(method))
  if (wrong !== undefined) throw new PatternError(member, `${JSON.stringify(wrong)} is no HTTP method`)
  return { methods: methods.length === 0 ? undefined : [...new Set(methods)], path: member.slice(close + 1) }
}
