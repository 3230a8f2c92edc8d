/**
 * Configuration: read once at the border, then one frozen object in which everything has a value.
 *
 * Layers, later wins: the file, the environment, flags. All problems are reported together.
 *
 * @module
 */
import type { RouteDeclaration } from '@hydra-gateway/protocol'
import type { z } from 'zod'
import { checkTogether } from './config/checks.ts'
import {
  ConfigError,
  type ConfigProblem,
  formatPath,
  type SettingPath,
  toProblems,
} from './config/problems.ts'
import { type ConfigInput, configSchema } from './config/schema.ts'
import type { StaticAddress } from './config/services.ts'
import { settle } from './config/settle.ts'

export { IDENTITY_DATABASE } from './config/identity.ts'
export { ConfigError, type ConfigProblem } from './config/problems.ts'
export type { ConfigInput } from './config/schema.ts'
export type { StaticAddress } from './config/services.ts'

type Parsed = z.output<typeof configSchema>

/** One instance of a service of the configuration. */
export interface StaticInstance extends StaticAddress {
  readonly weight: number
  readonly version: string | number
}

/** A service of the configuration, with everything filled in. */
export interface StaticService
  extends Omit<Parsed['services'][string], 'url' | 'urls' | 'weight' | 'version'> {
  readonly name: string
  readonly instances: readonly StaticInstance[]
  readonly routes: RouteDeclaration[]
}

/** An OpenID Connect provider, with its secret read. */
export type ProviderConfig = Readonly<Omit<Parsed['identity']['providers'][string], 'clientSecretFile'>>

/** Who may sign in, and how long that lasts. Paths are absolute. */
export interface IdentityConfig extends Readonly<Omit<Parsed['identity'], 'providers' | 'signingKeys'>> {
  /** By name, in the order of the login page. */
  readonly providers: Readonly<Record<string, ProviderConfig>>
  /** One private key in PEM form each, the one that signs first; empty when keys are made. */
  readonly signingKeys: readonly string[]
}

/** Everything the gateway can be told. Durations are ms, sizes are bytes. Deeply frozen. */
export interface Config extends Readonly<Omit<Parsed, 'keys' | 'registration' | 'identity' | 'services'>> {
  /** Keys that were given, the newest first. Both lists are empty when none were: then some are made up. */
  readonly keys: { readonly publicKey: readonly string[]; readonly privateKey: readonly string[] }
  readonly registration: Parsed['registration'] & { readonly from: readonly string[] }
  readonly identity: IdentityConfig
  readonly services: readonly StaticService[]
}

/**
 * Whether somebody said that people sign in here. A database at its usual place turns identity on as well, once it has
 * users; only whoever opens it can tell.
 */
export function hasIdentity({ identity: { users, providers, database } }: Pick<Config, 'identity'>): boolean {
  return users.length > 0 || Object.keys(providers).length > 0 || typeof database === 'string'
}

/** Gives `hydra.config.ts` the types of all settings. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config
}

/** Where settings came from, for the words of a problem and for the files they name. */
export interface ConfigOrigin {
  readonly file?: string
  /** Directory that paths in the configuration start from. @default the working directory */
  readonly directory?: string
  /** Where one setting was set: its name in the file, a variable, a flag. */
  readonly place?: (path: SettingPath) => Pick<ConfigProblem, 'at' | 'line'>
  /** Refuses what is for development only. @default false */
  readonly isProduction?: boolean
}

/**
 * Checks settings and fills in the rest. Throws one ConfigError with every problem there is.
 *
 * @example const config = parseConfig({ port: 0, lease: { ttl: '2s' } })
 */
export function parseConfig(
  input: ConfigInput,
  { file, directory = '.', place = inFile, isProduction = false }: ConfigOrigin = {},
): Config {
  const problems: ConfigProblem[] = []
  const result = configSchema.safeParse(input)
  if (!result.success)
    problems.push(...toProblems(result.error, { given: input, schema: configSchema, place }))
  const report = (path: SettingPath, is: string, write: string) =>
    void problems.push({ ...place(path), is, write })
  checkTogether(input, { directory, isProduction }, report, (path) => place(path).at)
  if (!result.success || problems.length > 0) {
    throw new ConfigError(
      problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)),
      file,
    )
  }
  return settle(result.data, directory)
}

const inFile = (path: SettingPath) => ({ at: formatPath(path) })
