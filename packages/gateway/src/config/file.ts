/**
 * The configuration file: found, read, and remembered line by line for the words of a problem.
 *
 * @module
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, extname, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ConfigError, type ConfigProblem, type SettingPath } from './problems.ts'

/** Looked for in the working directory, in this order. */
export const CONFIG_FILES = ['ts', 'mjs', 'yaml', 'yml', 'json'].map((ending) => `hydra.config.${ending}`)

export interface ConfigFile {
  /** As people should read it: relative to the working directory where that is shorter. */
  readonly name: string
  readonly directory: string
  readonly given: unknown
  /** Line of a setting, 1 for the first; undefined when it can't be told. */
  lineOf(path: SettingPath): number | undefined
}

/** Finds and reads the file; undefined when none was named and none is there. Throws ConfigError. */
export async function readConfigFile(
  named: string | undefined,
  directory: string,
): Promise<ConfigFile | undefined> {
  if (named === undefined) {
    const found = CONFIG_FILES.map((name) => resolve(directory, name)).filter((path) => existsSync(path))
    if (found.length > 1) {
      const names = found.map((path) => relative(directory, path))
      throw new ConfigError([
        {
          at: names.join(' and '),
          is: 'more than one file',
          write: 'the settings into one of them, or name one with --config',
        },
      ])
    }
    return found[0] === undefined ? undefined : read(found[0], directory)
  }
  const path = resolve(directory, named)
  if (existsSync(path)) return read(path, directory)
  throw new ConfigError([{ at: named, is: 'not there', write: 'the path of an existing file' }])
}

async function read(path: string, from: string): Promise<ConfigFile> {
  const shorter = relative(from, path)
  const file = { name: shorter.startsWith('..') ? path : shorter, directory: dirname(path) }
  const ending = extname(path)
  if (ending === '.yaml' || ending === '.yml' || ending === '.json')
    return { ...file, ...(await readText(path, file.name)) }
  if (/^\.[cm]?[jt]s$/.test(ending)) return { ...file, ...(await readModule(path, file.name)) }
  const write = 'a file that ends in .ts, .mjs, .yaml, .yml or .json'
  throw new ConfigError([{ at: file.name, is: `a file that ends in ${ending || 'nothing'}`, write }])
}

/** YAML, and JSON as the part of it that it is. */
async function readText(path: string, name: string): Promise<Pick<ConfigFile, 'given' | 'lineOf'>> {
  const { isNode, LineCounter, parseDocument } = await import('yaml')
  const lines = new LineCounter()
  const document = parseDocument(readFileSync(path, 'utf8'), { lineCounter: lines, prettyErrors: false })
  const problems = document.errors.map((error): ConfigProblem => {
    return { at: name, line: lines.linePos(error.pos[0]).line, is: 'not readable', write: error.message }
  })
  if (problems.length > 0) throw new ConfigError(problems, name)
  return {
    given: document.toJS({ maxAliasCount: 100 }) ?? {},
    lineOf(path) {
      // the value itself, or the nearest thing around it: an absent setting is shown where it belongs
      for (let length = path.length; length > 0; length--) {
        const node = document.getIn(path.slice(0, length), true)
        if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
      }
      return undefined
    },
  }
}

/** Reads of each module so far. */
const reads = new Map<string, number>()

/** A module is read once; asked for by another name it is read again. What it imports itself stays as it was. */
function moduleUrl(path: string): string {
  const count = reads.get(path) ?? 0
  reads.set(path, count + 1)
  const { href } = pathToFileURL(path)
  return count === 0 ? href : `${href}?read=${count}`
}

async function readModule(path: string, name: string): Promise<Pick<ConfigFile, 'given' | 'lineOf'>> {
  let module: { default?: unknown }
  try {
    module = await import(moduleUrl(path))
  } catch (cause) {
    const message = cause instanceof Error ? cause.message.split('\n')[0]! : String(cause)
    throw new ConfigError(
      [{ at: name, is: `a module that fails: ${message}`, write: 'one that can be imported' }],
      name,
    )
  }
  if (typeof module.default !== 'object' || module.default === null) {
    const write = 'export default defineConfig({ … })'
    throw new ConfigError([{ at: name, is: 'a module without settings as its default export', write }], name)
  }
  const source = readFileSync(path, 'utf8').split('\n')
  return {
    given: module.default,
    lineOf(path) {
      // a program can make its settings in any way; a line is only named when it is the only one it can be
      const key = String(path.findLast((step) => typeof step === 'string')).replace(/[^\w$-]/g, '\\$&')
      const setter = new RegExp(`(?:^|[\\s{,])(['"]?)${key}\\1\\s*:`)
      const [line, ...others] = source.flatMap((text, index) => (setter.test(text) ? [index + 1] : []))
      return others.length === 0 ? line : undefined
    },
  }
}
