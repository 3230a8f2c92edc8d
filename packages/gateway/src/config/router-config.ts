/**
 * An existing configuration of hydra-router, as the lowest layer of ours: `HYDRA_ROUTER_CONFIG` names its
 * `config.json`, `HYDRA_ROUTER_ENV` its variables. Every key is a setting here, or is named as one that has no effect.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { relative, resolve } from 'node:path'
import { nearest } from '@hydra-gateway/protocol'
import { findJsonFault } from './json-fault.ts'
import type { ConfigProblem, SettingPath } from './problems.ts'
import { type Interfaces, isObject, ROUTER_KEYS } from './router-keys.ts'
import { DEFAULT_ROUTER_REDIS } from './router-redis.ts'
import { ROUTER_CONFIG, type RouterVariable, readRouterVariables, withoutEffect } from './router-variables.ts'

/** One setting of ours, and where somebody wrote it. */
export interface RouterSetting {
  readonly path: readonly string[]
  readonly value: unknown
  readonly at: string
  readonly line?: number
}

export interface RouterConfig {
  /** The file, as people should read its name; undefined when there is none. */
  readonly file: string | undefined
  readonly settings: readonly RouterSetting[]
  readonly problems: readonly ConfigProblem[]
  /** Sentences about what has no effect. */
  readonly warnings: readonly string[]
}

export interface RouterConfigSources {
  readonly directory: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Addresses of this machine. */
  readonly interfaces?: Interfaces
}

/** Reads the file and its variables, where they are given. Never rejects: what is wrong is among the problems. */
export async function readRouterConfig({
  directory,
  env,
  interfaces = networkInterfaces(),
}: RouterConfigSources): Promise<RouterConfig> {
  const given = env[ROUTER_CONFIG]?.trim()
  const nothing = { file: undefined, settings: [], problems: [] }
  if (!given) return { ...nothing, warnings: withoutEffect(env, `without ${ROUTER_CONFIG}`) }
  const path = resolve(directory, given)
  const shorter = relative(directory, path)
  const file = shorter.startsWith('..') ? path : shorter
  const read = await readText(path, file)
  if ('problem' in read) return { ...nothing, file, problems: [read.problem], warnings: [] }
  const variables = readRouterVariables(env, directory)
  const told = toSettings(overlaid(read.given, variables.given), file, interfaces, (name) => {
    const variable = variables.given.findLast(({ key }) => key === name || name.startsWith(`${key}.`))
    const line = variable ? undefined : read.lineOf(name.split('.'))
    return { at: variable?.at ?? `${name} in ${file}`, ...(line === undefined ? {} : { line }) }
  })
  return {
    file,
    settings: told.settings,
    problems: [...variables.problems, ...told.problems],
    warnings: [...variables.warnings, ...told.warnings],
  }
}

type Place = (name: string) => Pick<ConfigProblem, 'at' | 'line'>

function toSettings(given: Given, file: string, interfaces: Interfaces, place: Place) {
  const settings: RouterSetting[] = [{ path: ['flywheel', 'enabled'], value: true, at: ROUTER_CONFIG }]
  const problems: ConfigProblem[] = []
  const unused = new Map<string, string[]>()
  const all = (name: string) => valueNamed(given, name)
  for (const { name, read } of ROUTER_KEYS) {
    const value = all(name)
    if (value === undefined || value === null) continue
    for (const outcome of read(value, all, interfaces)) {
      const under = 'under' in outcome && outcome.under ? `${name}.${outcome.under}` : name
      if ('path' in outcome) settings.push({ ...outcome, ...place(name) })
      else if ('is' in outcome) problems.push({ ...place(under), is: outcome.is, write: outcome.write })
      else unused.set(outcome.unused, [...(unused.get(outcome.unused) ?? []), under])
    }
  }
  const { hydra } = given
  if (hydra !== undefined && !isObject(hydra))
    problems.push({
      ...place('hydra'),
      is: JSON.stringify(hydra),
      write: 'an object with serviceName and redis',
    })
  // As the library: without a block it looks for Redis on this machine.
  if (all('hydra.redis') === undefined)
    settings.push({ path: ['redis', 'url'], value: DEFAULT_ROUTER_REDIS, ...place('hydra.redis') })
  const reasons = [...unused].map(([why, names]) => {
    return `${listed(names)} of ${file} ${names.length === 1 ? 'has' : 'have'} no effect: ${why}.`
  })
  return { settings, problems, warnings: [...reasons, ...unknown(given, file)] }
}

/** Keys nobody knows, each with what was likely meant. */
function unknown(given: Given, file: string): string[] {
  const known = ROUTER_KEYS.map(({ name }) => name)
  const names = [
    ...Object.keys(given).filter((name) => name !== 'hydra'),
    ...(isObject(given.hydra) ? Object.keys(given.hydra).map((name) => `hydra.${name}`) : []),
  ]
  return names.flatMap((name) => {
    if (known.includes(name)) return []
    const meant =
      nearest(name, known) ?? known.find((each) => each.endsWith(`.${name}`) || `hydra.${each}` === name)
    const what = `${name} of ${file} is no key of hydra-router, and has no effect`
    return [meant ? `${what}; did you mean ${meant}?` : `${what}.`]
  })
}

type Given = Readonly<Record<string, unknown>>

function valueNamed(given: Given, name: string): unknown {
  let value: unknown = given
  for (const step of name.split('.')) {
    if (!isObject(value) || !Object.hasOwn(value, step)) return undefined
    value = value[step]
  }
  return value
}

/** What variables say goes before what the file says. */
function overlaid(given: Given, variables: readonly RouterVariable[]): Given {
  const whole: Record<string, unknown> = { ...given }
  for (const { key, value } of variables) {
    const steps = key.split('.')
    let at = whole
    for (const step of steps.slice(0, -1)) {
      const inner = at[step]
      const copy: Record<string, unknown> = isObject(inner) ? { ...inner } : {}
      at[step] = copy
      at = copy
    }
    at[steps.at(-1)!] = value
  }
  return whole
}

interface ReadText {
  readonly given: Given
  readonly lineOf: (path: SettingPath) => number | undefined
}

async function readText(path: string, name: string): Promise<ReadText | { readonly problem: ConfigProblem }> {
  let text: string
  try {
    text = readFileSync(path, 'utf8').replace(/^\ufeff/, '')
  } catch (error) {
    const is = `a file that can't be read (${(error as NodeJS.ErrnoException).code})`
    return { problem: { at: ROUTER_CONFIG, is, write: 'the path of a config.json of hydra-router' } }
  }
  const fault = findJsonFault(text)
  if (fault) {
    const line = text.slice(0, fault.at).split('\n').length
    const write = 'JSON, without comments and with a comma between two keys'
    return { problem: { at: name, line, is: `not JSON (${fault.is})`, write } }
  }
  const given: unknown = JSON.parse(text)
  if (!isObject(given)) return { problem: { at: name, is: 'no object', write: '{ "hydra": { … } }' } }
  return { given, lineOf: await lineFinder(text) }
}

/** Lines of values, from 1. JSON is nearly always YAML as well; where it is not, no line is told. */
async function lineFinder(text: string): Promise<(path: SettingPath) => number | undefined> {
  const { isNode, LineCounter, parseDocument } = await import('yaml')
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false })
  return (path) => {
    const node = document.getIn(path, true)
    return isNode(node) && node.range ? lines.linePos(node.range[0]).line : undefined
  }
}

function listed(names: readonly string[]): string {
  return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}
