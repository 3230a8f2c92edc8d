/**
 * Keywords that ask several schemas about one value.
 *
 * @module
 */
import { type Check, every, fault, quietly } from './check.ts'
import { type Keyword, listOf, type Reading, SchemaError } from './keyword.ts'

export const COMBINING_KEYWORDS: Readonly<Record<string, Keyword>> = {
  allOf(said, { at, compile }) {
    const checks = schemasOf(said, at, compile)
    return (value, run) => every(checks, run, (check) => check(value, run))
  },
  anyOf(said, { at, compile }) {
    const checks = schemasOf(said, at, compile)
    return (value, run) =>
      checks.some((check) => quietly(run, check, value)) || fault(run, 'it is none of the things it may be')
  },
  oneOf(said, { at, compile }) {
    const checks = schemasOf(said, at, compile)
    return (value, run) =>
      checks.filter((check) => quietly(run, check, value)).length === 1 ||
      fault(run, 'it must be exactly one of several things')
  },
  not(said, { compile }) {
    const check = compile(said, '')
    return (value, run) => !quietly(run, check, value) || fault(run, 'it is what it may not be')
  },
  if(said, { compile, companion }) {
    const check = compile(said, '')
    const [yes, no] = [companion('then'), companion('else')]
    return (value, run) => (quietly(run, check, value) ? yes : no)(value, run)
  },
}

function schemasOf(said: unknown, at: string, compile: Reading['compile']): Check[] {
  const checks = listOf(said, at).map((sub, i) => compile(sub, `/${i}`))
  if (checks.length === 0) throw new SchemaError(`${at} is empty`)
  return checks
}
