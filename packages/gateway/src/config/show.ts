/**
 * The resolved configuration for people: as a file could say it, with secrets masked.
 *
 * @module
 */
import { urlHost } from '@hydra-gateway/protocol'
import type { Document } from 'yaml'
import { z } from 'zod'
import type { Config, StaticInstance } from '../config.ts'
import { bare } from './problems.ts'
import { configSchema } from './schema.ts'
import { HIDDEN, kindOf } from './setting.ts'

/** A setting somebody set, and where: `PORT`, `hydra.config.yaml, line 3`. */
export interface SettingOrigin {
  readonly path: readonly string[]
  readonly from: string
}

export interface ShowOptions {
  /** What to show of the keys; those of the configuration are never shown by themselves. */
  readonly keys?: { readonly publicKey: string; readonly privateKey: string } | undefined
}

/** Settings by name, durations and sizes as text: what a file would say to get this configuration. */
export function showConfig(config: Config, { keys }: ShowOptions = {}): Record<string, unknown> {
  const services = Object.fromEntries(
    config.services.map(({ name, instances, ...service }) => [
      name,
      { urls: instances.map(toUrl), ...service },
    ]),
  )
  const shown = shape({ ...config, services }, configSchema) as Record<string, unknown>
  return { ...shown, keys: keys ?? {} }
}

/** The same as text that a file could hold (YAML). Behind what is no default stands where it was set. */
export async function formatConfig(
  config: Config,
  options?: ShowOptions,
  origins: readonly SettingOrigin[] = [],
): Promise<string> {
  const yaml = await import('yaml')
  const document = new yaml.Document(showConfig(config, options))
  for (const { path, from } of origins) note(yaml, document, path, from)
  return document.toString({ lineWidth: 0 })
}

/** Says it at a setting, or at the nearest thing around it: not everything is shown as it was written. */
function note(
  { isCollection, isNode }: typeof import('yaml'),
  document: Document,
  path: readonly string[],
  from: string,
): void {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true)
    if (!isNode(node)) continue
    const place = isCollection(node) && node.items.length > 0 ? 'commentBefore' : 'comment'
    // Of a list, or of what is shown otherwise, once is enough.
    if (!node[place]) node[place] = ` ${from}`
    return
  }
}

function toUrl({ protocol, host, port, weight, version }: StaticInstance) {
  return { url: `${protocol}://${urlHost(host)}:${port}`, weight, version }
}

/** Follows value and schema side by side, in the order of the schema. */
function shape(value: unknown, schema: z.ZodType): unknown {
  const inner = bare(schema)
  const { show, isSecret } = kindOf(inner) ?? {}
  if (isSecret && value !== '') return isEmptyList(value) ? undefined : HIDDEN
  if (show && typeof value === 'number') return show(value)
  if (inner instanceof z.ZodObject && typeof value === 'object' && value !== null) {
    const shapes = Object.entries(inner.shape) as [string, z.ZodType][]
    return Object.fromEntries(
      shapes.flatMap(([name, each]) => {
        const member = (value as Record<string, unknown>)[name]
        const shown = member === undefined ? undefined : shape(member, each)
        return shown === undefined ? [] : [[name, shown]]
      }),
    )
  }
  if (inner instanceof z.ZodRecord && typeof value === 'object' && value !== null) {
    const each = inner.valueType as z.ZodType
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shape(member, each)]))
  }
  if (inner instanceof z.ZodArray && Array.isArray(value)) {
    return value.map((member) => shape(member, inner.element as z.ZodType))
  }
  return value
}

const isEmptyList = (value: unknown) => Array.isArray(value) && value.length === 0
