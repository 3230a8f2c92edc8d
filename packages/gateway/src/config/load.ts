/**
 * All layers of the configuration together: that of hydra-router, file, environment, flags; later wins.
 *
 * @module
 */
import { resolve } from 'node:path'
import type { Config } from '../config.ts'
import { parseConfig } from '../config.ts'
import { type Layer, readEnvironment } from './environment.ts'
import { type ConfigFile, readConfigFile } from './file.ts'
import { missedRoleWarnings, plainPasswordsWarning } from './identity-checks.ts'
import { ConfigError, type ConfigProblem, formatPath, type SettingPath, valueAt } from './problems.ts'
import { type RouterConfig, readRouterConfig } from './router-config.ts'
import type { ConfigInput } from './schema.ts'
import type { SettingOrigin } from './show.ts'
import { SELF_SIGNED } from './tls.ts'

/** Flags of `hydra start` that are settings. */
export interface ConfigFlags {
  readonly port?: string | number
  readonly host?: string
  readonly logLevel?: string
  readonly publicUrl?: string
  /** Paths of PEM files; the one needs the other. */
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly tlsSelfSigned?: boolean
}

export interface ConfigSources {
  /** Where files are looked for. */
  readonly directory: string
  /** A file somebody named; otherwise one is looked for. */
  readonly file?: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly flags?: ConfigFlags
}

export interface LoadedConfig {
  readonly config: Config
  /** The file that was read, as people should read its name. */
  readonly file: string | undefined
  /** The configuration of hydra-router below it, likewise. */
  readonly routerFile?: string
  /** Sentences about what was given and has no effect. */
  readonly warnings: readonly string[]
  /** What somebody set, and where: all else is a default. */
  origins(): readonly SettingOrigin[]
}

/** Reads and checks the whole configuration. Throws one ConfigError with all problems of all layers. */
export async function loadConfig({
  directory,
  file: named,
  env,
  flags = {},
}: ConfigSources): Promise<LoadedConfig> {
  const file = await readConfigFile(named, directory)
  const environment = readEnvironment(env)
  const router = await readRouterConfig({ directory, env })
  const problems: ConfigProblem[] = [...router.problems, ...environment.problems]
  // What is wrong there can't be mended in the file, so it is not the file that is called wrong.
  const elsewhere = new Set<string>()
  const layers = [environment.values, readFlags(flags).values].flatMap((values) => {
    problems.push(...pairProblems(values))
    return wholePairs(values, directory).map((value) => fromDirectory(value, directory))
  })

  for (const { at } of problems) elsewhere.add(at)
  const placeIn = (where: Layer['values']) => (path: SettingPath) => {
    const found = place(path, file, where, router)
    if (found.at !== formatPath(path)) elsewhere.add(found.at)
    return found
  }
  const refuseIn = (where: Layer['values']) => (path: SettingPath) => {
    problems.push({
      ...placeIn(where)(path),
      is: 'a name that can’t be used',
      write: 'another name',
    })
  }
  let given = withoutNulls(file?.given ?? {}, [], refuseIn([]))
  for (const { path, value } of layers)
    given = withValue(given, path, withoutNulls(value, path, refuseIn(layers)))
  for (const { path, value } of router.settings) {
    const isAbove = valueAt(given, path) !== undefined
    if (!isAbove) given = withValue(given, path, withoutNulls(value, path, refuseIn([])))
  }

  const origin = {
    ...(file ? { file: file.name } : {}),
    directory: file ? file.directory : resolve(directory),
    place: placeIn(layers),
    isProduction: env.NODE_ENV === 'production',
  }
  try {
    const config = parseConfig(given as ConfigInput, origin)
    const plain = plainPasswordsWarning(config.identity.users)
    const warnings = [
      ...router.warnings,
      ...environment.warnings,
      ...(plain ? [plain] : []),
      ...missedRoleWarnings(config.identity),
    ]
    const names = { file: file?.name, ...(router.file === undefined ? {} : { routerFile: router.file }) }
    const origins = (): readonly SettingOrigin[] =>
      leavesOf(given).map((path) => ({ path, from: fromOf(path, origin.place(path), file) }))
    if (problems.length === 0) return { config, ...names, warnings, origins }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    problems.push(...error.problems)
  }
  const isOfFile = file !== undefined && problems.some(({ at }) => !elsewhere.has(at))
  throw new ConfigError(problems, file?.name, isOfFile)
}

const FLAG_NAMES = {
  port: '--port',
  host: '--host',
  logLevel: '--log-level',
  publicUrl: '--public-url',
} as const

const TLS_FLAGS = { cert: ['tlsCert', '--tls-cert'], key: ['tlsKey', '--tls-key'] } as const

function readFlags(flags: ConfigFlags): Pick<Layer, 'values'> {
  const names = Object.keys(FLAG_NAMES) as (keyof typeof FLAG_NAMES)[]
  const values: Layer['values'][number][] = names.flatMap((name) =>
    flags[name] === undefined ? [] : [{ path: [name], value: flags[name], at: FLAG_NAMES[name] }],
  )
  if (flags.tlsSelfSigned) values.push({ path: ['tls'], value: SELF_SIGNED, at: '--tls-self-signed' })
  for (const [half, [flag, at]] of Object.entries(TLS_FLAGS)) {
    if (flags[flag] !== undefined) values.push({ path: ['tls', half], value: flags[flag], at })
  }
  return { values }
}

type Given = Layer['values'][number]

const isHalf = ({ path }: Given) => path[0] === 'tls' && path.length === 2

const OTHER_HALVES: Readonly<Record<string, string>> = {
  HYDRA_TLS_CERT: 'HYDRA_TLS_KEY',
  HYDRA_TLS_KEY: 'HYDRA_TLS_CERT',
  '--tls-cert': '--tls-key',
  '--tls-key': '--tls-cert',
}

/** A certificate without its key, and the other way round; one of each kind at once. */
function pairProblems(values: Layer['values']): readonly ConfigProblem[] {
  const [first, second] = values.filter(isHalf)
  if (!first) return []
  const whole = values.find(({ path }) => path[0] === 'tls' && path.length === 1)
  if (whole) return [{ at: whole.at, is: `given beside ${first.at}`, write: 'one of the two' }]
  if (second) return []
  const other = OTHER_HALVES[first.at]
  return [{ at: first.at, is: `given without ${other}`, write: `both, or neither: ${first.at} and ${other}` }]
}

/**
 * A certificate and a key of one layer are one value, which replaces whatever a lower one has. Their paths start
 * from the working directory, where they were written.
 */
function wholePairs(values: Layer['values'], directory: string): Layer['values'] {
  const halves = values.filter(isHalf)
  // One alone is a problem that was reported.
  if (halves.length < 2) return values.filter((value) => !isHalf(value))
  const pair = Object.fromEntries(
    halves.map(({ path, value }) => [
      path[1]!,
      typeof value === 'string' && value.trim() !== '' ? resolve(directory, value) : value,
    ]),
  )
  return [
    ...values.filter((value) => !isHalf(value)),
    { path: ['tls'], value: pair, at: halves.map(({ at }) => at).join(' and ') },
  ]
}

/** Paths of all values that stand in an object. */
function leavesOf(given: unknown): (readonly string[])[] {
  const isObject = typeof given === 'object' && given !== null && !Array.isArray(given)
  if (!isObject || Object.getPrototypeOf(given) === URL.prototype) return [[]]
  return Object.entries(given).flatMap(([name, value]) => leavesOf(value).map((path) => [name, ...path]))
}

/** A place in words: a variable, a flag, or a file and the line in it. */
function fromOf(
  path: SettingPath,
  { at, line }: Pick<ConfigProblem, 'at' | 'line'>,
  file: ConfigFile | undefined,
): string {
  const where = file && at === formatPath(path) ? file.name : at
  return line === undefined ? where : `${where}, line ${line}`
}

/** Where a setting was set: the last layer that has it, or something around it, wins. */
function place(
  path: SettingPath,
  file: ConfigFile | undefined,
  layers: Layer['values'],
  router: RouterConfig,
): Pick<ConfigProblem, 'at' | 'line'> {
  const layer = layers.findLast((value) => value.path.every((step, index) => path[index] === step))
  // of JSON in a variable the place inside it is told too
  if (layer) return { at: inside(layer, path) }
  const below = router.settings.find((setting) => setting.path.every((step, index) => path[index] === step))
  if (below && valueAt(file?.given, below.path) === undefined) {
    const rest = path.slice(below.path.length)
    const { at, line } = below
    return {
      at: rest.length === 0 ? at : `${formatPath(rest)} of ${at}`,
      ...(line === undefined ? {} : { line }),
    }
  }
  const line = file?.lineOf(path)
  return { at: formatPath(path), ...(line === undefined ? {} : { line }) }
}

function inside(layer: Given, path: SettingPath): string {
  const rest = path.slice(layer.path.length)
  return rest.length > 0 && typeof layer.value === 'object' ? formatPath([layer.at, ...rest]) : layer.at
}

/** A path of the environment starts from the working directory, where it was written. */
function fromDirectory(given: Given, directory: string): Given {
  const { value, isPath } = given
  if (!isPath || typeof value !== 'string' || value === '' || NO_PATH.test(value)) return given
  return { ...given, value: resolve(directory, value) }
}

/** What may stand where a path may: keys as text, and words for no file. */
const NO_PATH = /-----BEGIN |^(?:false|memory)$/

/**
 * A copy without what YAML leaves empty (`http:` with nothing under it), and without names that reach into
 * JavaScript's objects.
 */
function withoutNulls(given: unknown, path: SettingPath, refuse: (path: SettingPath) => void): unknown {
  if (Array.isArray(given)) return given.map((item, index) => withoutNulls(item, [...path, index], refuse))
  if (typeof given !== 'object' || given === null || Object.getPrototypeOf(given) === URL.prototype)
    return given
  const kept: [string, unknown][] = []
  for (const [name, value] of Object.entries(given)) {
    if (name === '__proto__') refuse([...path, name])
    else if (value !== null && value !== undefined)
      kept.push([name, withoutNulls(value, [...path, name], refuse)])
  }
  return Object.fromEntries(kept)
}

/** A copy of `given` with one setting more; something else in the way is replaced only when it is absent. */
function withValue(given: unknown, [step, ...rest]: readonly string[], value: unknown): unknown {
  if (step === undefined) return value
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return given ?? { [step]: withValue(undefined, rest, value) }
  return { ...given, [step]: withValue((given as Record<string, unknown>)[step], rest, value) }
}
