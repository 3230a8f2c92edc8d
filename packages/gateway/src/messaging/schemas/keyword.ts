/**
 * What a keyword of a schema is: it reads what the schema says, and makes a check of it. With what keywords read.
 *
 * @module
 */
import { type Check, fault, type Run } from './check.ts'
import { type Fields, isFields } from './values.ts'

/** Why a schema can't be used. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError'
}

/** Where a keyword stands, and what it may ask for. */
export interface Reading {
  /** The schema it stands in. */
  readonly schema: Fields
  /** Its place as a pointer: `#/properties/id/type`. */
  readonly at: string
  /** Reads a schema within what it says; `below`: where, from there: `/0`, or nothing for all of it. */
  compile(sub: unknown, below: string): Check
  /** The schema under another keyword beside it; without one everything fits. */
  companion(name: string): Check
  /** The schema a `$ref` names. */
  refer(pointer: string): Check
}

/** Makes a check of what a keyword says. Throws SchemaError when it can't be meant. */
export type Keyword = (said: unknown, reading: Reading) => Check

/** A keyword that says a limit. `sizeOf` says undefined of what it is not about; `words`: what is wrong with the rest. */
export function counted(
  sizeOf: (value: unknown, run: Run) => number | undefined,
  holds: (size: number, limit: number) => boolean,
  words: string,
): Keyword {
  return (said, { at }) => {
    const limit = wholeOf(said, at)
    return (value, run) => {
      const size = sizeOf(value, run)
      return size === undefined || holds(size, limit) || fault(run, words)
    }
  }
}

/** What a keyword says, when it is a list; `at` names it otherwise, here and below. @throws SchemaError */
export function listOf(said: unknown, at: string): readonly unknown[] {
  if (!Array.isArray(said)) throw new SchemaError(`${at} must be a list`)
  return said
}

export function mapOf(said: unknown, at: string): Map<string, unknown> {
  if (!isFields(said)) throw new SchemaError(`${at} must be an object`)
  return new Map(Object.entries(said))
}

export function textOf(said: unknown, at: string): string {
  if (typeof said !== 'string') throw new SchemaError(`${at} must be a text`)
  return said
}

export function wholeOf(said: unknown, at: string): number {
  if (!Number.isSafeInteger(said) || (said as number) < 0)
    throw new SchemaError(`${at} must be a whole number, 0 or more`)
  return said as number
}

/** A name as one step of a pointer. */
export function pointerOf(name: string): string {
  return encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'))
}
