/**
 * `HYDRA_ROUTER_<KEY>`: what hydra-router lets its environment say in the place of a key, once `HYDRA_ROUTER_ENV` names
 * a file with such variables.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { nearest } from '@hydra-gateway/protocol'
import { jsonFault } from './json-fault.ts'
import type { ConfigProblem } from './problems.ts'
import { ROUTER_KEYS } from './router-keys.ts'

export const ROUTER_CONFIG = 'HYDRA_ROUTER_CONFIG'
export const ROUTER_ENV = 'HYDRA_ROUTER_ENV'

const PREFIX = 'HYDRA_ROUTER_'
const CORS = `${PREFIX}CORS`
const EXTERNAL_ROUTES = `${PREFIX}EXTERNALROUTES`
const REDIS = ['url', 'host', 'port', 'db', 'password'].map((name) => `hydra.redis.${name}`)

const variableOf = (name: string) => `${PREFIX}${name.replaceAll('.', '_').toUpperCase()}`

/** Names of keys by their variables; those that are objects in the file have none but these. */
const KEYS: ReadonlyMap<string, string> = new Map([
  ...ROUTER_KEYS.flatMap(({ name }) => (name === 'hydra.redis' ? [] : [[variableOf(name), name] as const])),
  ...REDIS.map((name) => [variableOf(name), name] as const),
])

type Environment = Readonly<Record<string, string | undefined>>

/** One key that was said by a variable. */
export interface RouterVariable {
  readonly key: string
  readonly value: unknown
  /** The variable. */
  readonly at: string
}

export interface RouterVariables {
  readonly given: readonly RouterVariable[]
  readonly problems: readonly ConfigProblem[]
  readonly warnings: readonly string[]
}

/** The variables, those of the process before those of the file. An empty one counts as absent. */
export function readRouterVariables(env: Environment, directory: string): RouterVariables {
  const file = env[ROUTER_ENV]?.trim()
  if (!file) return { given: [], problems: [], warnings: withoutEffect(env, `without ${ROUTER_ENV}`) }
  let inFile: Environment
  try {
    inFile = parseEnv(readFileSync(resolve(directory, file), 'utf8').replace(/^\ufeff/, ''))
  } catch (error) {
    const is = `a file that can't be read (${(error as NodeJS.ErrnoException).code})`
    const write = 'the path of a file with variables, one in a line'
    return { given: [], problems: [{ at: ROUTER_ENV, is, write }], warnings: [] }
  }
  const variables = Object.entries({ ...inFile, ...ofRouter(env) })
    .filter(([name, value]) => isOfRouter(name) && value?.trim())
    .map(([name, value]) => [name, value!.trim()] as const)
  return toKeys(variables)
}

/** Sentences about variables that are read for nothing, as no file of hydra-router is given. */
export function withoutEffect(env: Environment, why: string): string[] {
  const names = Object.keys(env).filter(
    (name) => isOfRouter(name) && isRouterVariable(name) && env[name]?.trim(),
  )
  if (names.length === 0) return []
  return [`${names.join(', ')} ${names.length === 1 ? 'has' : 'have'} no effect ${why}.`]
}

const isOfRouter = (name: string) => name.startsWith(PREFIX) && name !== ROUTER_CONFIG && name !== ROUTER_ENV

/** A variable of hydra-router's own. */
export const isRouterVariable = (name: string) =>
  KEYS.has(name) || name.startsWith(`${CORS}_`) || isPart(name)

/** Of a key that has no effect, however much stands below it. */
const isPart = (name: string) =>
  [...KEYS].some(([variable, key]) => isWhole(key) && name.startsWith(`${variable}_`))

const isWhole = (key: string) => ROUTER_KEYS.some(({ name, isWhole }) => name === key && isWhole === true)

const ofRouter = (env: Environment): Environment =>
  Object.fromEntries(Object.entries(env).filter(([name, value]) => isOfRouter(name) && value?.trim()))

function toKeys(variables: readonly (readonly [string, string])[]): RouterVariables {
  const given: RouterVariable[] = []
  const problems: ConfigProblem[] = []
  const warnings: string[] = []
  const cors: Record<string, string> = {}
  let hasCors = true
  for (const [at, value] of variables) {
    const key = KEYS.get(at)
    // It only says whether there are any.
    if (at === CORS) hasCors = !/^(?:false|off|no|0)$/i.test(value)
    else if (at.startsWith(`${CORS}_`)) cors[headerOf(at)] = value
    else if (at === EXTERNAL_ROUTES) {
      const read = readJson(value)
      if ('is' in read)
        problems.push({ at, is: read.is, write: 'JSON such as {"https://api.example":["[get]/v2/x"]}' })
      else given.push({ key: 'externalRoutes', value: read.value, at })
    } else if (key !== undefined) given.push({ key, value, at })
    else if (isPart(at)) given.push({ key: partOf(at), value, at })
    else {
      const meant = nearest(at, [...KEYS.keys()])
      warnings.push(
        `${at} is not a variable we know${meant ? `; did you mean ${meant}?` : ', and has no effect.'}`,
      )
    }
  }
  const [first] = Object.keys(cors)
  if (!hasCors) given.push({ key: 'cors', value: undefined, at: CORS })
  else if (first) given.push({ key: 'cors', value: cors, at: `${CORS}_…` })
  return { given, problems, warnings }
}

const partOf = (variable: string) => [...KEYS].find(([each]) => variable.startsWith(`${each}_`))![1]

/** `HYDRA_ROUTER_CORS_ACCESS_CONTROL_MAX_AGE` is `access-control-max-age`. */
const headerOf = (variable: string) =>
  variable
    .slice(CORS.length + 1)
    .toLowerCase()
    .replaceAll('_', '-')

function readJson(text: string): { readonly value: unknown } | { readonly is: string } {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return { is: `not JSON (${jsonFault(text)})` }
  }
}
