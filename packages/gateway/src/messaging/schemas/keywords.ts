/**
 * All keywords that are understood: these for any value, for numbers and for texts, and those for arrays, for objects, and of
 * several schemas.
 *
 * @module
 */
import { fault, LOOK_STEPS, shown, spend } from './check.ts'
import { FORMATS } from './formats.ts'
import { counted, type Keyword, listOf, SchemaError, textOf } from './keyword.ts'
import { ARRAY_KEYWORDS } from './keywords-array.ts'
import { COMBINING_KEYWORDS } from './keywords-combining.ts'
import { OBJECT_KEYWORDS } from './keywords-object.ts'
import { canonical, isFields, isSame, lengthOfText } from './values.ts'

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  null: (value) => value === null,
  boolean: (value) => typeof value === 'boolean',
  number: (value) => typeof value === 'number',
  integer: (value) => Number.isInteger(value),
  string: (value) => typeof value === 'string',
  array: Array.isArray,
  object: isFields,
}

export const KEYWORDS: Readonly<Record<string, Keyword>> = {
  $ref: (said, { at, refer }) => refer(textOf(said, at)),

  type(said, { at }) {
    const names = Array.isArray(said) ? said : [said]
    const kinds = names.map((name) => {
      const kind = typeof name === 'string' && Object.hasOwn(TYPES, name) ? TYPES[name] : undefined
      if (!kind) throw new SchemaError(`${at} names no type of JSON`)
      return kind
    })
    const words = `it must be ${names.join(' or ')}`
    return (value, run) => {
      spend(run, kinds.length * LOOK_STEPS)
      return kinds.some((kind) => kind(value)) || fault(run, words)
    }
  },
  const(said) {
    const text = canonical(said)
    return (value, run) =>
      isSame(value, said, text, run) || fault(run, 'it has another value than it must have')
  },
  enum(said, { at }) {
    const values = listOf(said, at).map((value) => [value, canonical(value)] as const)
    return (value, run) => {
      spend(run, values.length * LOOK_STEPS)
      return (
        values.some(([one, text]) => isSame(value, one, text, run)) ||
        fault(run, 'it has none of the values it may have')
      )
    }
  },
  format(said, { at }) {
    const name = textOf(said, at)
    const holds = Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined
    if (!holds)
      throw new SchemaError(
        `${at} is ${shown(name)}; formats that can be checked: ${Object.keys(FORMATS).join(', ')}`,
      )
    return (value, run) => typeof value !== 'string' || holds(value) || fault(run, `it is no ${name}`)
  },

  minimum: number((value, limit) => value >= limit, 'it is below the minimum'),
  maximum: number((value, limit) => value <= limit, 'it is above the maximum'),
  exclusiveMinimum: number((value, limit) => value > limit, 'it is not above the minimum'),
  exclusiveMaximum: number((value, limit) => value < limit, 'it is not below the maximum'),
  multipleOf(said, reading) {
    if (typeof said === 'number' && said <= 0) throw new SchemaError(`${reading.at} must be above 0`)
    return number((value, of) => Number.isInteger(value / of), 'it is no multiple')(said, reading)
  },

  minLength: counted(lengthOfText, (length, limit) => length >= limit, 'it is too short'),
  maxLength: counted(lengthOfText, (length, limit) => length <= limit, 'it is too long'),

  ...ARRAY_KEYWORDS,
  ...OBJECT_KEYWORDS,
  ...COMBINING_KEYWORDS,
}

function number(holds: (value: number, limit: number) => boolean, words: string): Keyword {
  return (said, { at }) => {
    if (typeof said !== 'number') throw new SchemaError(`${at} must be a number`)
    return (value, run) => typeof value !== 'number' || holds(value, said) || fault(run, words)
  }
}
