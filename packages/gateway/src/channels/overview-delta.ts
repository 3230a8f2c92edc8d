/**
 * What a service that has some parts of an overview is sent, as JSON.
 *
 * @module
 */
import {
  checkedText,
  compareParts,
  MOST_PARTS,
  MOST_PARTS_BYTES,
  type OverviewPart,
  type OverviewParts,
  type PartsChange,
} from '@hydra-gateway/protocol'
import { type MenuPart, partDigest, type TextPart, type WrittenParts } from './overview-parts.ts'

/** The parts a service has: those it was sent last, or says it has. */
export interface Standing extends OverviewParts {
  readonly hash: string
  readonly check: string
  readonly menus: readonly (OverviewPart & Partial<Pick<MenuPart, 'items'>>)[]
}

/** A delta as JSON; from nothing, all of it. */
export function writeDelta(from: Standing | undefined, to: WrittenParts): string {
  const services = from && compareParts(from.services, to.services)
  const menus = from && compareParts(from.menus, to.menus)
  const fields: string[] = []
  const isDelta = from !== undefined && services !== undefined && menus !== undefined
  const add = (name: string, text: string) => void fields.push(`${JSON.stringify(name)}:${text}`)
  add('type', '"ACTIVE_SERVERS_DELTA"')
  add('hash', JSON.stringify(to.hash))
  add('from', JSON.stringify(isDelta ? from.hash : null))
  add('check', JSON.stringify(to.check))
  if (!isDelta) {
    add('services', written(allOf(to.services), said))
    add('menus', written(allOf(to.menus), said))
  } else {
    if (isChange(services)) add('services', written(services, said))
    if (isChange(menus)) add('menus', written(menus, saidOfMenu))
  }
  if (!isDelta || from.rest !== to.rest)
    add('rest', `{"hash":${JSON.stringify(to.rest)},"value":${to.restText}}`)
  return `{${fields.join(',')}}`
}

type Change<To> = PartsChange<Standing['menus'][number] | OverviewPart, To>

function allOf<To>(parts: readonly To[]): Change<To> {
  return { set: parts.map((part) => ({ part, before: undefined })), gone: [] }
}

function isChange({ set, gone, order }: Change<unknown>): boolean {
  return set.length + gone.length > 0 || order !== undefined
}

function written<To extends TextPart>(
  { set, gone, order }: Change<To>,
  saidOf: (set: Change<To>['set'][number]) => string,
): string {
  const entries = set.map((one) => {
    const at = one.at === undefined ? '' : `,"at":${one.at}`
    return `{"name":${JSON.stringify(one.part.name)}${at},${saidOf(one)}}`
  })
  const without = gone.length > 0 ? `,"gone":${JSON.stringify(gone)}` : ''
  return `{"set":[${entries.join(',')}]${without}${order ? `,"order":${JSON.stringify(order)}` : ''}}`
}

function said({ part }: { readonly part: TextPart }): string {
  return `"hash":"${part.hash}","value":${part.text}`
}

/** Items that changed, where that is less than all of them. */
function saidOfMenu(one: Change<MenuPart>['set'][number]): string {
  const { part, before } = one
  const items = before && 'items' in before ? before.items?.() : undefined
  const change = items && compareParts(items, part.items())
  if (change) {
    const text = written(change, ({ part: { text } }) => `"value":${text}`)
    if (text.length < part.text.length) return `"hash":"${part.hash}","change":${text}`
  }
  return said(one)
}

/** Longer names and hashes are none of ours. */
const MOST_NAME = 1000
const MOST_HASH = 100

/**
 * Parts as a service says them (`overviewParts`); undefined where it has none, or more than are compared.
 *
 * @throws TypeError where they are none
 */
export function readStanding(hash: unknown, parts: unknown): Standing | undefined {
  if (typeof parts !== 'object' || parts === null) throw new TypeError('parts must be an object')
  const { services, menus, rest } = parts as Record<string, unknown>
  const known = { services: pairsOf('services', services), menus: pairsOf('menus', menus), rest }
  if (rest !== undefined && !isText(rest, MOST_HASH)) throw new TypeError('parts.rest must be a hash')
  if (typeof hash !== 'string' || !isComplete(known)) return undefined
  if (known.services.length + known.menus.length > MOST_PARTS) return undefined
  const text = checkedText(known)
  return text.length > MOST_PARTS_BYTES ? undefined : { ...known, hash, check: partDigest(text) }
}

function isComplete(parts: Omit<OverviewParts, 'rest'> & { rest: unknown }): parts is OverviewParts {
  return parts.rest !== undefined
}

function pairsOf(what: string, pairs: unknown = []): OverviewPart[] {
  if (!Array.isArray(pairs)) throw new TypeError(`parts.${what} must be pairs of name and hash`)
  return pairs.map((pair: unknown, i) => {
    if (Array.isArray(pair) && pair.length === 2) {
      const [name, hash] = pair as unknown[]
      if (isText(name, MOST_NAME) && isText(hash, MOST_HASH)) return { name, hash }
    }
    throw new TypeError(`parts.${what}[${i}] must be a pair of name and hash`)
  })
}

function isText(value: unknown, most: number): value is string {
  return typeof value === 'string' && value.length <= most
}
