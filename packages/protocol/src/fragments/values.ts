/**
 * Values that cross between a page and its fragments: copied, as JSON says them.
 *
 * @module
 */
import { MOST_JSON_DEPTH } from '../json-depth.ts'

/** Deepest nesting of a value that crosses; a deeper one is absent as a whole. The messages it crosses in need the rest. */
export const MOST_VALUE_DEPTH = MOST_JSON_DEPTH - 8

const TOO_DEEP = Symbol('too deep')

/**
 * A copy of a value as JSON would carry it; undefined for what JSON can't say. Unlike `JSON.stringify` it never
 * throws: numbers that are not finite and `bigint` are absent, and so is a value that holds itself.
 */
export function copyValue(value: unknown): unknown {
  const copy = copied(value, MOST_VALUE_DEPTH)
  return copy === TOO_DEEP ? undefined : copy
}

/** Sets an own property whatever it is called: `__proto__` too. */
export function put(record: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== '__proto__') record[name] = value
  else Object.defineProperty(record, name, { value, writable: true, enumerable: true, configurable: true })
}

function copied(value: unknown, depth: number): unknown {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : undefined // JSON has no -0
  if (typeof value !== 'object') return undefined
  if (depth === 0) return TOO_DEEP
  if (Array.isArray(value)) return copiedArray(value, depth - 1)
  return copiedObject(value, depth - 1)
}

function copiedArray(values: readonly unknown[], depth: number): unknown {
  const copies: unknown[] = []
  for (const value of values) {
    const copy = copied(value, depth)
    if (copy === TOO_DEEP) return TOO_DEEP
    copies.push(copy === undefined ? null : copy) // as in JSON: the others keep their places
  }
  return copies
}

function copiedObject(value: object, depth: number): unknown {
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    return copied(spoken(value as { toJSON(): unknown }), depth)
  }
  if (value instanceof String || value instanceof Number || value instanceof Boolean) {
    return copied(value.valueOf(), depth)
  }
  const copy: Record<string, unknown> = {}
  for (const [name, member] of Object.entries(value)) {
    const copyOfMember = copied(member, depth)
    if (copyOfMember === TOO_DEEP) return TOO_DEEP
    if (copyOfMember !== undefined) put(copy, name, copyOfMember)
  }
  return copy
}

/** What an object says of itself, such as a date; one that can't say it is absent. */
function spoken(value: { toJSON(): unknown }): unknown {
  try {
    return value.toJSON()
  } catch {
    return undefined
  }
}
