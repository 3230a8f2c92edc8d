/**
 * The reference of all settings as Markdown, from the schema itself.
 *
 * @module
 */
import { z } from 'zod'
import { isLiveSetting } from '../lifecycle/live-settings.ts'
import { hasFileForm, VARIABLES } from './environment.ts'
import { bare } from './problems.ts'
import { configSchema } from './schema.ts'
import { kindOf } from './setting.ts'

interface Row {
  readonly path: string
  /** A reload changes it. */
  readonly isLive: boolean
  readonly write: string
  readonly fallback: string
  readonly says: string
}

/** One table for each group of settings. */
export function formatReference(): string {
  const groups = Object.entries(configSchema.shape as Record<string, z.ZodType>)
  const isGroup = (schema: z.ZodType) => bare(schema) instanceof z.ZodObject
  const single = groups.filter(([name, schema]) => !isGroup(schema) && name !== 'services')
  const sections = groups.filter(([, schema]) => isGroup(schema))
  const service = (bare(configSchema.shape.services) as z.ZodRecord).valueType as z.ZodType
  return [
    table(single.map(([name, schema]) => row(name, schema))),
    ...sections.flatMap(([name, schema]) => [
      `### \`${name}\`\n\n${describe(bare(schema))}`,
      table(rows(name, schema)),
      ...members(name, schema),
    ]),
    `### \`services.<name>\`\n\n${describe(configSchema.shape.services)} A file only: there are no variables for these. ↻`,
    table(rows('', service)),
    'A route is a pattern as text, or an object with the members of [route-declaration](schemas/route-declaration.json).',
  ].join('\n\n')
}

/** The variables of the contract. */
export function formatVariables(): string {
  const lines = VARIABLES.map((variable) => {
    const { name, path, json } = variable
    const file = hasFileForm(variable) ? `, \`${name}_FILE\`` : ''
    return `| \`${name}\`${file} | \`${path.join('.')}\`${json === undefined ? '' : ', as JSON'} |`
  })
  return ['| Variable | Setting |', '|---|---|', ...lines].join('\n')
}

function rows(prefix: string, schema: z.ZodType): Row[] {
  const inner = bare(schema)
  if (!(inner instanceof z.ZodObject)) return []
  return Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([name, member]) => {
    const path = prefix ? `${prefix}.${name}` : name
    const isObject = bare(member) instanceof z.ZodObject
    return isObject ? rows(path, member) : [row(path, member)]
  })
}

/** A table for each list or record of objects among the settings of a group. */
function members(prefix: string, schema: z.ZodType): string[] {
  const inner = bare(schema) as z.ZodObject
  return Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([name, member]) => {
    const whole = bare(member)
    const isList = whole instanceof z.ZodArray
    if (!isList && !(whole instanceof z.ZodRecord)) return []
    const each = bare((isList ? whole.element : whole.valueType) as z.ZodType)
    if (!(each instanceof z.ZodObject)) return []
    const title = `\`${prefix}.${name}${isList ? '[]' : '.<name>'}\``
    return [`#### ${title}\n\n${describe(member)}`, table(rows('', each))]
  })
}

function row(path: string, schema: z.ZodType): Row {
  const write = kindOf(bare(schema))?.write ?? composite(bare(schema))
  return { path, isLive: isLiveSetting(path), write, fallback: defaultOf(schema), says: describe(schema) }
}

function composite(schema: z.ZodType): string {
  if (schema instanceof z.ZodArray) return 'a list'
  if (schema instanceof z.ZodEnum) return schema.options.map((option) => `\`${option}\``).join(' or ')
  return schema instanceof z.ZodRecord ? 'an object by name' : 'a value'
}

function defaultOf(schema: z.ZodType): string {
  if (!(schema instanceof z.ZodPrefault)) return ''
  const value = schema.def.defaultValue
  const isEmpty = typeof value === 'object' && value !== null && Object.keys(value).length === 0
  return isEmpty ? 'none' : `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``
}

const describe = (schema: z.ZodType) => schema.description ?? ''

function table(all: readonly Row[]): string {
  const lines = all.map(({ path, isLive, write, fallback, says }) => {
    return `| \`${path}\`${isLive ? ' ↻' : ''} | ${cell(says)} | ${fallback} | ${cell(write)} |`
  })
  return ['| Setting | What it does | Default | Write |', '|---|---|---|---|', ...lines].join('\n')
}

/** A bar ends no cell. */
const cell = (text: string) => text.replaceAll('|', '\\|')
