/**
 * What is wrong with a configuration, in words that say what to write instead.
 *
 * @module
 */
import { nearest } from '@hydra-gateway/protocol'
import { z } from 'zod'

/** One fault: where, what is there, what to write. Secrets are never in it, only `empty` or `set`. */
export interface ConfigProblem {
  /** Setting (`services.orders.url`), variable (`PORT`), or flag (`--port`). */
  readonly at: string
  /** Line in the file, when it is known. */
  readonly line?: number
  readonly is: string
  readonly write: string
}

/** A configuration that can't be used, with every problem it has. */
export class ConfigError extends Error {
  readonly code = 'HYDRA_BAD_CONFIG'
  readonly problems: readonly ConfigProblem[]
  /** File that was read; absent when there is none. */
  readonly file: string | undefined

  /** Whether any of them is in the file; otherwise they are in variables, flags, or another file. */
  readonly isOfFile: boolean

  constructor(problems: readonly ConfigProblem[], file?: string, isOfFile = file !== undefined) {
    super(problems.map(({ at, is, write }) => `${at} is ${is}; write ${write}`).join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
    this.file = file
    this.isOfFile = isOfFile
  }
}

export type SettingPath = readonly PropertyKey[]

/** `services.orders.urls[1].url` */
export function formatPath(path: SettingPath): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else if (/^[\w$-]+$/.test(String(step))) text += text === '' ? String(step) : `.${String(step)}`
    else text += `[${JSON.stringify(String(step))}]`
  }
  return text === '' ? 'the whole file' : text
}

/** Turns what zod found into problems; `place` says where a setting was set. */
export function toProblems(
  error: z.ZodError,
  {
    given,
    schema,
    place,
  }: { given: unknown; schema: z.ZodType; place: (path: SettingPath) => Pick<ConfigProblem, 'at' | 'line'> },
): ConfigProblem[] {
  return error.issues.flatMap((issue): ConfigProblem[] => {
    if (issue.code === 'unrecognized_keys') {
      const known = namesAt(schema, issue.path)
      return issue.keys.map((key) => {
        const meant = nearest(key, known)
        const write = meant
          ? `${meant}, or remove the line`
          : `nothing: remove the line. Known here: ${known.join(', ')}`
        return { ...place([...issue.path, key]), is: 'not a setting we know', write }
      })
    }
    // the name itself is at fault, not what stands under it
    const value = issue.code === 'invalid_key' ? issue.path.at(-1) : valueAt(given, issue.path)
    const write = isList(issue) ? aList(value, issue.path) : fixFor(issue, schema)
    return [{ ...place(issue.path), is: describe(value, issue.path), write }]
  })
}

const isList = (issue: z.core.$ZodIssue) => issue.code === 'invalid_type' && issue.expected === 'array'

/** What was written as text is most often meant as a list of its words. */
function aList(value: unknown, path: SettingPath): string {
  if (typeof value !== 'string' || value.trim() === '' || isSecret(value, path)) return 'a list'
  return `a list such as ${short(JSON.stringify(value.trim().split(/[\s,]+/)))}`
}

function fixFor(issue: z.core.$ZodIssue, schema: z.ZodType): string {
  const [inside] = issue.code === 'invalid_type' ? namesAt(schema, issue.path) : []
  if (inside) return `settings below it, such as ${inside}`
  if (issue.code === 'invalid_type')
    return issue.expected === 'record' ? 'an object of names' : aKind(issue.expected)
  if (issue.code === 'invalid_value') return issue.values.map((value) => JSON.stringify(value)).join(' or ')
  if (issue.code === 'invalid_key') return nameFor(issue.issues[0])
  return issue.message
}

/** Schemas of names may say in `params.write` what to write. */
function nameFor(issue: z.core.$ZodIssue | undefined): string {
  const write: unknown = issue?.code === 'custom' ? issue.params?.write : undefined
  return typeof write === 'string' ? write : (issue?.message ?? 'another name')
}

const aKind = (kind: string) => (/^[aeio]/.test(kind) ? `an ${kind}` : `a ${kind}`)

/** What stands there, short and without secrets. */
function describe(value: unknown, path: SettingPath): string {
  if (value === undefined || value === null) return 'not set'
  if (value === '' || (Array.isArray(value) && value.length === 0)) return 'empty'
  if (path[0] === 'keys' || isSecret(value, path)) return 'set, but not usable'
  if (typeof value === 'object' && !Array.isArray(value)) {
    const names = Object.keys(value)
    return `an object with ${names.length === 0 ? 'nothing in it' : short(names.join(', '))}`
  }
  return short(masked(JSON.stringify(value) ?? aKind(typeof value)))
}

/** Without the name and password an address may begin with. */
function masked(text: string): string {
  return text.replace(/:\/\/[^/?#\s"]*@/g, '://…@')
}

const SECRETS: readonly unknown[] = [
  'password',
  'passwordHash',
  'clientSecret',
  'signingKeys',
  'sentinelPassword',
  'routerToken',
  'signatureSharedSecret',
]
/** Of Redis: the address, as one that is none may have its password anywhere, and the key of a certificate. */
const SECRETS_OF_REDIS: readonly unknown[] = ['url', 'key']

/** A secret, or what may hold some where something else was meant. */
function isSecret(value: unknown, path: SettingPath): boolean {
  if (path.some((step) => SECRETS.includes(step))) return true
  if (path[0] === 'redis' && SECRETS_OF_REDIS.includes(path[1])) return true
  const mayHoldSome = path[0] === 'identity' && ['users', 'providers'].includes(String(path[1] ?? 'users'))
  return mayHoldSome && path.length <= 3 && (typeof value !== 'object' || Array.isArray(value))
}

const short = (text: string) => (text.length > 60 ? `${text.slice(0, 57)}…` : text)

/** What was given at `path`; undefined when nothing was. */
export function valueAt(given: unknown, path: SettingPath): unknown {
  let value = given
  for (const step of path) {
    // `urls: ['http://…']` and `routes: ['/a']` are short for objects: their fault is the text itself
    if (typeof value === 'string') return value
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = (value as Record<PropertyKey, unknown>)[step]
  }
  return value
}

/** Names of settings inside the object at `path`. */
function namesAt(schema: z.ZodType, path: SettingPath): string[] {
  let at: z.ZodType | undefined = bare(schema)
  for (const step of path) {
    if (at instanceof z.ZodObject) at = (at.shape as Record<PropertyKey, z.ZodType>)[step]
    else if (at instanceof z.ZodRecord) at = at.valueType as z.ZodType
    else if (at instanceof z.ZodArray) at = at.element as z.ZodType
    else at = undefined
    at = at && bare(at)
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : []
}

/** The schema inside `.optional()`, `.prefault()` and a preprocessing step. */
export function bare(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault) {
    return bare(schema.unwrap() as z.ZodType)
  }
  if (schema instanceof z.ZodPipe) {
    const isPreprocessed = schema.in instanceof z.ZodTransform
    return bare((isPreprocessed ? schema.out : schema.in) as z.ZodType)
  }
  return schema
}
