/**
 * What a handler returned, read: HTML as a text, values as JSON, and a warning for what can't go along. A handler
 * that keeps returning the same mistake is told of it once.
 *
 * @module
 */
import {
  type FragmentAssets,
  fragmentAssets,
  isJsonTooDeep,
  MOST_ASSETS,
  MOST_SESSION_BYTES,
} from '@hydra-gateway/protocol'
import { MOST_VALUE_DEPTH } from '@hydra-gateway/protocol/fragments'
import type { Log } from '../log.ts'
import type { FragmentDefinition, FragmentOutput } from './definition.ts'
import { FragmentFailure } from './failure.ts'

export interface Output {
  readonly html: string
  /** Declared ones only. */
  readonly exports: Readonly<Record<string, unknown>>
  readonly attributes: Readonly<Record<string, unknown>>
  /** Absent when nothing is to be kept. */
  readonly session?: unknown
  readonly assets: FragmentAssets | undefined
}

const NO_VALUE = `is no JSON, or nested more than ${MOST_VALUE_DEPTH} deep`
const ADVICE = 'return HTML, or { html, exports, session }'

/** Makes the reader of a service. It rejects when there is nothing to show. */
export function createOutputReader(
  log: Log,
): (definition: FragmentDefinition, given: unknown) => Promise<Output> {
  const told = new Set<string>()

  function warnOnce(ref: string, what: string, sentence: string): void {
    const key = `${what} ${ref}`
    if (told.has(key)) return
    told.add(key)
    log.warn(`fragment "${ref}": ${sentence}`)
  }

  /** Values as they arrive elsewhere: what JSON can't say is left out. */
  function valuesOf(ref: string, list: string, given: unknown): Record<string, unknown> {
    if (given === undefined || given === null) return {}
    if (typeof given !== 'object') {
      warnOnce(ref, list, `${list} must be an object by name, not ${typeof given}; they are left out`)
      return {}
    }
    const values: Record<string, unknown> = {}
    for (const [name, value] of Object.entries(given)) {
      if (name === '__proto__') continue
      const text = jsonOf(value)
      if (text !== undefined) values[name] = JSON.parse(text)
      else if (value !== undefined)
        warnOnce(ref, list, `the value of "${name}" in ${list} ${NO_VALUE}; it is left out`)
    }
    return values
  }

  function exportsOf({ ref, options }: FragmentDefinition, given: unknown): Record<string, unknown> {
    const values = valuesOf(ref, 'exports', given)
    for (const name of Object.keys(values)) {
      if (options.exports?.includes(name)) continue
      warnOnce(ref, 'undeclared', `it returned the export "${name}" without declaring it; name it in exports`)
      delete values[name]
    }
    return values
  }

  function sessionOf(ref: string, session: unknown): { session?: unknown } {
    if (session === undefined) return {}
    const text = jsonOf(session)
    const bytes = text === undefined ? 0 : Buffer.byteLength(text)
    if (text !== undefined && bytes <= MOST_SESSION_BYTES) return { session: JSON.parse(text) }
    const fault = text === undefined ? NO_VALUE : `has ${bytes} bytes of JSON, at most ${MOST_SESSION_BYTES}`
    warnOnce(ref, 'session', `its session ${fault}; what was kept before stays`)
    return {}
  }

  function assetsOf({ ref, options }: FragmentDefinition, given: unknown): FragmentAssets | undefined {
    const parsed = fragmentAssets.safeParse(given ?? {})
    if (!parsed.success)
      warnOnce(ref, 'assets', 'its assets must be such as { styles: ["a.css"] }; they are left out')
    const lists = [options.assets, parsed.data]
    const styles = new Set(lists.flatMap((assets) => assets?.styles ?? []))
    const scripts = new Set(lists.flatMap((assets) => assets?.scripts ?? []))
    if (styles.size + scripts.size === 0) return undefined
    if (styles.size > MOST_ASSETS || scripts.size > MOST_ASSETS)
      warnOnce(ref, 'assets', `it has more than ${MOST_ASSETS} styles or scripts; the first are taken`)
    return {
      ...(styles.size > 0 && { styles: [...styles].slice(0, MOST_ASSETS) }),
      ...(scripts.size > 0 && { scripts: [...scripts].slice(0, MOST_ASSETS) }),
    }
  }

  return async (definition, given) => {
    const { ref } = definition
    if (given === undefined || given === null)
      throw new FragmentFailure('declined', `${ref} rendered nothing`)
    const output = isText(given) ? { html: given } : given
    if (typeof output !== 'object' || !('html' in output))
      throw new TypeError(`it returned ${kindOf(output)}; ${ADVICE}`)
    const { html, exports, attributes, session, assets } = output as FragmentOutput
    // Some template engines give a promise of the text.
    const markup: unknown = await html
    if (markup === undefined || markup === null)
      throw new FragmentFailure('declined', `${ref} rendered no html`)
    return {
      html: textOf(markup),
      exports: exportsOf(definition, exports),
      attributes: valuesOf(ref, 'attributes', attributes),
      ...sessionOf(ref, session),
      assets: assetsOf(definition, assets),
    }
  }
}

/** Template engines make texts that are objects, such as those marked as safe. */
function isText(given: unknown): given is string {
  return typeof given === 'string' || given instanceof String
}

function textOf(markup: unknown): string {
  const isPlain = typeof markup === 'object' && (markup as object).toString === Object.prototype.toString
  if (typeof markup === 'function' || typeof markup === 'symbol' || isPlain)
    throw new TypeError(`its html is ${kindOf(markup)}, which is no text; ${ADVICE}`)
  return String(markup)
}

function kindOf(given: unknown): string {
  if (typeof given !== 'object' || given === null) return `a ${typeof given}`
  return Array.isArray(given) ? 'a list' : `an object (${given.constructor?.name ?? 'Object'})`
}

/** The value as JSON; undefined where there is none, or none that a message can carry: it would take all others along. */
export function jsonOf(value: unknown): string | undefined {
  try {
    const text: string | undefined = JSON.stringify(value)
    return text === undefined || isJsonTooDeep(text, MOST_VALUE_DEPTH) ? undefined : text
  } catch {
    return undefined
  }
}
