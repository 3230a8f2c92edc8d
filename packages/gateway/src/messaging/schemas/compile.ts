/**
 * Schemas services register for bodies of messages: JSON Schema, read into functions.
 *
 * Whoever writes a schema is a service, whoever writes the body may be anybody: a check takes a bounded number of steps
 * whatever both look like, runs no code of theirs, and no regular expression. What is not understood is refused when the
 * schema is registered, as a rule that is left out would let through what it was to keep away. Pure.
 *
 * Taken of JSON Schema 2020-12: `type const enum`, those for numbers, texts, arrays and objects, `allOf anyOf oneOf not if
 * then else`, `$ref` into the schema itself. Not: `pattern patternProperties unevaluated… $dynamicRef $anchor`, other
 * documents, formats beyond `date date-time uuid`.
 *
 * @module
 */
import { all, type Check, fault, type Run, shown, TooMuch } from './check.ts'
import { SchemaError } from './keyword.ts'
import { KEYWORDS } from './keywords.ts'
import { type Fields, isFields } from './values.ts'

export interface MessageSchema {
  /** What is wrong with a body, the first places of it; empty when it fits. Values are never repeated. */
  faultsOf(body: unknown): readonly string[]
}

export interface SchemaLimits {
  /** Steps one check may take. @default 500000 */
  readonly mostSteps?: number
  /** Places that are named. @default 3 */
  readonly mostFaults?: number
}

/** Schemas within one schema. */
const MOST_NODES = 2000
/** How deep they may be nested. */
const MOST_DEPTH = 64
const MOST_STEPS = 500_000
const MOST_FAULTS = 3

/**
 * Reads a schema.
 *
 * @throws SchemaError with a sentence that names the place
 */
export function compileSchema(schema: unknown, limits: SchemaLimits = {}): MessageSchema {
  const { mostSteps = MOST_STEPS, mostFaults = MOST_FAULTS } = limits
  const check = createCompiler(schema).compile(schema, '#', 0)
  return {
    faultsOf(body) {
      const faults: string[] = []
      const run: Run = { steps: 0, depth: 0, most: mostSteps, mostFaults, faults, place: [] }
      try {
        if (check(body, run)) return []
      } catch (error) {
        // A body may be nested deeper than there is room on the stack.
        if (!(error instanceof TooMuch || error instanceof RangeError)) throw error
        return ['it takes too long to check']
      }
      return faults.length > 0 ? faults : ['it does not fit']
    },
  }
}

/** Say nothing of what fits. */
const ANNOTATIONS = new Set(
  '$schema $comment $defs definitions title description default examples deprecated readOnly writeOnly'.split(
    ' ',
  ),
)
/** Read together with another one. */
const COMPANIONS = new Set(['then', 'else', 'minContains', 'maxContains'])

function createCompiler(root: unknown) {
  /** By place: a schema may refer to itself. */
  const known = new Map<string, { check: Check | undefined }>()
  let nodes = 0

  function compile(schema: unknown, at: string, depth: number): Check {
    if (schema === true) return () => true
    if (schema === false) return (_value, run) => fault(run, 'nothing may stand here')
    if (!isFields(schema)) throw new SchemaError(`${at} is no schema`)
    if (++nodes > MOST_NODES) throw new SchemaError(`a schema may consist of ${MOST_NODES} schemas`)
    if (depth > MOST_DEPTH) throw new SchemaError(`a schema may be nested ${MOST_DEPTH} deep`)
    const before = known.get(at)
    if (before) return (value, run) => before.check!(value, run)
    const own: { check: Check | undefined } = { check: undefined }
    known.set(at, own)
    const checks: Check[] = []
    for (const [name, said] of Object.entries(schema)) {
      if (ANNOTATIONS.has(name) || COMPANIONS.has(name) || (name === '$id' && at === '#')) continue
      const read = Object.hasOwn(KEYWORDS, name) ? KEYWORDS[name] : undefined
      if (!read) throw new SchemaError(`${at} has "${shown(name)}", which is not understood here`)
      checks.push(
        read(said, {
          schema,
          at: `${at}/${name}`,
          compile: (sub, below) => compile(sub, `${at}/${name}${below}`, depth + 1),
          companion: (other) => compile(schema[other] ?? true, `${at}/${other}`, depth + 1),
          refer: (pointer) => refer(pointer, depth),
        }),
      )
    }
    own.check = all(checks)
    return own.check
  }

  /** A schema elsewhere in this one. */
  function refer(pointer: string, depth: number): Check {
    if (pointer !== '#' && !pointer.startsWith('#/'))
      throw new SchemaError(`$ref ${shown(pointer)} leads elsewhere; only places in this schema can be named`)
    let found: unknown = root
    for (const part of pointer.split('/').slice(1)) {
      const name = decoded(part)
      found = isFields(found) || Array.isArray(found) ? ownOf(found, name) : undefined
    }
    if (found === undefined) throw new SchemaError(`$ref ${shown(pointer)} leads nowhere`)
    const place = known.get(pointer)
    if (place) return (value, run) => place.check!(value, run)
    return compile(found, pointer, depth + 1)
  }

  return { compile }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
  } catch {
    throw new SchemaError('a $ref is no pointer')
  }
}

function ownOf(of: object, name: string): unknown {
  return Object.hasOwn(of, name) ? (of as Fields)[name] : undefined
}
