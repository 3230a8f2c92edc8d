/**
 * Keywords for arrays.
 *
 * @module
 */
import { below, every, fault, quietly } from './check.ts'
import { counted, type Keyword, listOf, SchemaError, wholeOf } from './keyword.ts'
import { canonical, lengthOfArray } from './values.ts'

export const ARRAY_KEYWORDS: Readonly<Record<string, Keyword>> = {
  minItems: counted(lengthOfArray, (length, limit) => length >= limit, 'it has too few items'),
  maxItems: counted(lengthOfArray, (length, limit) => length <= limit, 'it has too many items'),

  uniqueItems(said, { at }) {
    if (typeof said !== 'boolean') throw new SchemaError(`${at} must be true or false`)
    return (value, run) => {
      if (!said || !Array.isArray(value)) return true
      const seen = new Set<string>()
      for (const item of value) {
        const text = canonical(item, run)
        if (seen.has(text)) return fault(run, 'two of its items are the same')
        seen.add(text)
      }
      return true
    }
  },
  prefixItems(said, { at, compile }) {
    const checks = listOf(said, at).map((sub, i) => compile(sub, `/${i}`))
    return (value, run) =>
      !Array.isArray(value) ||
      every(checks.slice(0, value.length), run, (check, i) => below(run, i, check, value[i]))
  },
  items(said, { at, schema, compile }) {
    if (Array.isArray(said))
      throw new SchemaError(`${at} is a list: in this version of JSON Schema it is prefixItems`)
    const check = compile(said, '')
    const from = Array.isArray(schema.prefixItems) ? schema.prefixItems.length : 0
    return (value, run) =>
      !Array.isArray(value) || every(value, run, (item, i) => i < from || below(run, i, check, item))
  },
  contains(said, { schema, compile, at }) {
    const check = compile(said, '')
    const least = schema.minContains === undefined ? 1 : wholeOf(schema.minContains, at)
    const most = schema.maxContains === undefined ? Number.POSITIVE_INFINITY : wholeOf(schema.maxContains, at)
    return (value, run) => {
      if (!Array.isArray(value)) return true
      let count = 0
      for (const item of value) if (quietly(run, check, item)) count++
      return (count >= least && count <= most) || fault(run, 'it does not contain what it must')
    }
  },
}
