/**
 * The environment as a layer of the configuration. The names are a contract: deployments carry them for years.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { nearest } from '@hydra-gateway/protocol'
import { jsonFault } from './json-fault.ts'
import type { ConfigProblem } from './problems.ts'
import { isRouterVariable, ROUTER_CONFIG, ROUTER_ENV } from './router-variables.ts'

export interface Variable {
  readonly name: string
  readonly path: readonly [string, ...string[]]
  /** A secret may stand in a file instead, named by the variable with `_FILE` behind its name. */
  readonly isSecret?: true
  /** The value is JSON, such as this. It may stand in a file as well. */
  readonly json?: string
  /** The value may be a path, which then starts from the working directory. */
  readonly isPath?: true
}

export const VARIABLES: readonly Variable[] = [
  { name: 'PORT', path: ['port'] },
  { name: 'HYDRA_HOST', path: ['host'] },
  { name: 'HYDRA_TLS_CERT', path: ['tls', 'cert'] },
  { name: 'HYDRA_TLS_KEY', path: ['tls', 'key'] },
  { name: 'HYDRA_PUBLIC_URL', path: ['publicUrl'] },
  { name: 'HYDRA_TRUSTED_PROXIES', path: ['trustedProxies'] },
  { name: 'HYDRA_LOG_LEVEL', path: ['logLevel'] },
  { name: 'HYDRA_PUBLIC_KEY', path: ['keys', 'publicKey'], isSecret: true },
  { name: 'HYDRA_PRIVATE_KEY', path: ['keys', 'privateKey'], isSecret: true },
  { name: 'HYDRA_RSOCKET_PORT', path: ['rsocketPort'] },
  { name: 'HYDRA_CONTROL_PORT', path: ['controlPort'] },
  // The second name is that of many platforms; ours wins.
  { name: 'REDIS_URL', path: ['redis', 'url'], isSecret: true },
  { name: 'HYDRA_REDIS_URL', path: ['redis', 'url'], isSecret: true },
  { name: 'HYDRA_FLYWHEEL', path: ['flywheel', 'enabled'] },
  { name: 'HYDRA_NODE_NAME', path: ['cluster', 'name'] },
  { name: 'HYDRA_WORKERS', path: ['workers'] },
  {
    name: 'HYDRA_USERS',
    path: ['identity', 'users'],
    json: '[{"username":"ada","passwordHash":"$argon2id$…","roles":["USER"]}]',
  },
  {
    name: 'HYDRA_ROLES',
    path: ['identity', 'roles'],
    json: '{"MANAGER":{"mappedTo":"ADMIN","service":"shop-.*"}}',
  },
  { name: 'HYDRA_IDENTITY_DATABASE', path: ['identity', 'database'], isPath: true },
  { name: 'HYDRA_SIGNING_KEY', path: ['identity', 'signingKeys'], isSecret: true, isPath: true },
]

/** Names of files of hydra-router (`router-config.ts`): no settings themselves. */
const OF_ROUTER: readonly string[] = [ROUTER_CONFIG, ROUTER_ENV]

/** Whether the value may stand in a file instead. */
export const hasFileForm = ({ isSecret, json }: Variable): boolean => isSecret === true || json !== undefined

/** What one layer sets, with the place each setting was set at. */
export interface Layer {
  readonly values: readonly {
    readonly path: readonly string[]
    readonly value: unknown
    readonly at: string
    /** A path in it starts from the working directory. */
    readonly isPath?: true
  }[]
  readonly problems: readonly ConfigProblem[]
  readonly warnings: readonly string[]
}

/** Reads the variables that concern the gateway; an empty one counts as absent, unless it is a secret. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): Layer {
  const values: Layer['values'][number][] = []
  const problems: ConfigProblem[] = []
  for (const variable of VARIABLES) {
    const { name, path, isSecret, json, isPath } = variable
    const add = (value: string, at: string) => {
      const read = json === undefined ? { value } : readJson(value)
      if ('is' in read) problems.push({ at, is: read.is, write: `JSON such as ${json}` })
      else values.push({ path, value: read.value, at, ...(isPath ? { isPath } : {}) })
    }
    const value = env[name]?.trim()
    const file = hasFileForm(variable) ? env[`${name}_FILE`]?.trim() : undefined
    if (value && file) {
      problems.push({ at: name, is: `set beside ${name}_FILE`, write: 'one of the two' })
    } else if (file) {
      const inFile = readValue(file)
      if (inFile.value) add(inFile.value, `${name}_FILE`)
      else problems.push({ at: `${name}_FILE`, is: inFile.is, write: 'the path of a file with the value' })
    } else if (value || (isSecret && value !== undefined && name !== 'REDIS_URL')) {
      add(value, name)
    }
  }
  return { values, problems, warnings: misspelt(env) }
}

function readValue(file: string): { value?: string; is: string } {
  try {
    const value = readFileSync(file, 'utf8').trim()
    return value ? { value, is: 'set' } : { is: 'an empty file' }
  } catch (error) {
    return { is: `a file that can't be read (${(error as NodeJS.ErrnoException).code})` }
  }
}

/** What the parser says of a fault would show parts of what stands there. */
function readJson(text: string): { readonly value: unknown } | { readonly is: string } {
  try {
    return { value: JSON.parse(text) }
  } catch {
    const fault = text.length > MOST_LOOKED_INTO ? undefined : jsonFault(text)
    return { is: `not JSON${fault === undefined ? '' : ` (${fault})`}` }
  }
}

const MOST_LOOKED_INTO = 1_000_000

/** A variable with a slip in its name would silently do nothing; others beginning with HYDRA_ are not ours. */
function misspelt(env: Readonly<Record<string, string | undefined>>): string[] {
  const known = [
    ...VARIABLES.flatMap((each) => (hasFileForm(each) ? [each.name, `${each.name}_FILE`] : [each.name])),
    ...OF_ROUTER,
  ]
  return Object.keys(env).flatMap((name) => {
    if (!name.startsWith('HYDRA_') || known.includes(name) || isRouterVariable(name)) return []
    const meant = nearest(name, known)
    return meant ? [`${name} is not a variable we know; did you mean ${meant}?`] : []
  })
}
