/**
 * Values by name, where the names came from outside: own properties only, and none that reaches into objects.
 *
 * @module
 */
import { rootOf, type Transfer } from '@hydra-gateway/protocol/fragments'

type Values = Readonly<Record<string, unknown>>

const NOTHING: Values = Object.freeze({})

/** Sets a property, unless its name would do something else. */
export function put(into: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== '__proto__') into[name] = value
}

/** A property of its own; undefined when there is none. */
export function own(values: Values | undefined | null, name: string): unknown {
  return values && Object.hasOwn(values, name) ? values[name] : undefined
}

/** Everything of both; `second` wins. Either one as it is when the other is empty. */
export function merged(first: Values, second: Values): Values {
  if (isEmpty(second)) return first
  if (isEmpty(first)) return second
  const all: Record<string, unknown> = {}
  for (const name of Object.keys(first)) put(all, name, first[name])
  for (const name of Object.keys(second)) put(all, name, second[name])
  return all
}

/** What a page may have of a fragment's attributes: those its tag exports, or exports a part of. */
export function exported(exports: readonly Transfer[], values: Values | undefined | null): Values {
  if (exports.length === 0 || !values) return NOTHING
  const taken: Record<string, unknown> = {}
  for (const { from } of exports) {
    const name = rootOf(from)
    if (Object.hasOwn(values, name)) put(taken, name, values[name])
  }
  return taken
}

function isEmpty(values: Values): boolean {
  for (const name in values) if (Object.hasOwn(values, name)) return false
  return true
}
