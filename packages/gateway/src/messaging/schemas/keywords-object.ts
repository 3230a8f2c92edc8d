/**
 * Keywords for objects.
 *
 * @module
 */
import { below, every, fault, quietly } from './check.ts'
import { counted, type Keyword, listOf, mapOf, pointerOf, type Reading, textOf } from './keyword.ts'
import { isFields, namesOf, sizeOfObject } from './values.ts'

export const OBJECT_KEYWORDS: Readonly<Record<string, Keyword>> = {
  minProperties: counted(sizeOfObject, (size, limit) => size >= limit, 'it has too few properties'),
  maxProperties: counted(sizeOfObject, (size, limit) => size <= limit, 'it has too many properties'),

  required(said, { at }) {
    const names = listOf(said, at).map((name) => textOf(name, at))
    return (value, run) =>
      !isFields(value) ||
      every(names, run, (name) => Object.hasOwn(value, name) || fault(run, 'it is missing', name))
  },
  properties(said, { at, compile }) {
    const checks = byName(said, at, compile)
    return (value, run) =>
      !isFields(value) ||
      every(
        checks,
        run,
        ([name, check]) => !Object.hasOwn(value, name) || below(run, name, check, value[name]),
      )
  },
  additionalProperties(said, { schema, compile }) {
    const check = said === false ? undefined : compile(said, '')
    const named = new Set(isFields(schema.properties) ? Object.keys(schema.properties) : [])
    return (value, run) =>
      !isFields(value) ||
      every(namesOf(value, run), run, (name) => {
        if (named.has(name)) return true
        return check ? below(run, name, check, value[name]) : fault(run, 'it is not known', name)
      })
  },
  propertyNames(said, { compile }) {
    const check = compile(said, '')
    return (value, run) =>
      !isFields(value) ||
      namesOf(value, run).every((name) => quietly(run, check, name)) ||
      fault(run, 'one of its properties has a name it may not have')
  },
  dependentRequired(said, { at }) {
    const needs = [...mapOf(said, at)].map(
      ([name, list]) => [name, listOf(list, at).map((other) => textOf(other, at))] as const,
    )
    return (value, run) =>
      !isFields(value) ||
      every(needs, run, ([name, others]) =>
        !Object.hasOwn(value, name)
          ? true
          : every(others, run, (other) => Object.hasOwn(value, other) || fault(run, 'it is missing', other)),
      )
  },
  dependentSchemas(said, { at, compile }) {
    const checks = byName(said, at, compile)
    return (value, run) =>
      !isFields(value) ||
      every(checks, run, ([name, check]) => !Object.hasOwn(value, name) || check(value, run))
  },
}

/** A schema for each of several names. */
function byName(said: unknown, at: string, compile: Reading['compile']) {
  return [...mapOf(said, at)].map(([name, sub]) => [name, compile(sub, `/${pointerOf(name)}`)] as const)
}
