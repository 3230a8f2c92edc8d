/**
 * Values from outside that others will walk through and copy: bounded in depth, and without keys that reach into
 * object machinery.
 *
 * @module
 */
import { MOST_JSON_DEPTH } from '@hydra-gateway/protocol'

/** Looks through parsed JSON without recursion: its depth is the sender's choice. */
export function isPlainData(value: unknown, mostDepth: number = MOST_JSON_DEPTH): boolean {
  if (typeof value !== 'object' || value === null) return true
  let level: object[] = [value]
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > mostDepth) return false
    const below: object[] = []
    for (const each of level) {
      const isList = Array.isArray(each)
      for (const key in each) {
        if (!isList && (key === '__proto__' || key === 'constructor')) return false
        const child = (each as Record<string, unknown>)[key]
        if (typeof child === 'object' && child !== null) below.push(child)
      }
    }
    level = below
  }
  return true
}
