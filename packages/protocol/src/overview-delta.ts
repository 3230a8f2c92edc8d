/**
 * An overview as what changed: for services that say what they have.
 *
 * An overview has parts: each service, each menu, and the rest. A part is known by a hash of what it says, so that it is
 * known again after any restart and at any node. Who makes the hashes is the gateway; a service keeps them beside the
 * parts, and says them when it asks.
 *
 * @module
 */
import { z } from 'zod'
import { type MenuEntry, menuEntry } from './menu.ts'
import { type Overview, type OverviewService, overview, overviewService } from './overview.ts'

/** What changed in a list whose entries have names. */
function change<Set extends z.ZodType>(set: Set) {
  return z.object({
    set: z.array(set).describe('New entries, and those that take the place of one with the same name.'),
    gone: z.array(z.string()).optional().describe('Names that are no longer there.'),
    order: z.array(z.string()).optional().describe('All names, where those that stay changed places.'),
  })
}

const at = z
  .int()
  .min(0)
  .optional()
  .describe('Place of a new one, once those before it are in; without it: the end.')
const named = { name: z.string(), hash: z.string().describe('Of what it says.'), at }

const menuChange = z.object({
  ...named,
  value: z.array(menuEntry).optional().describe('All items, or:'),
  change: change(z.object({ name: z.string().describe('Its endpoint.'), at, value: menuEntry })).optional(),
})

/** One item of the `hydra.overview` stream, for those who said `parts`. */
export const overviewDelta = z.object({
  type: z.literal('ACTIVE_SERVERS_DELTA'),
  hash: z.string().describe('Of the overview this leads to.'),
  from: z
    .string()
    .nullable()
    .describe('Hash of the overview it starts from; null: from nothing, all is in here.'),
  check: z.string().describe('Of names and hashes of all parts, as they are afterwards.'),
  services: change(z.object({ ...named, value: overviewService })).optional(),
  menus: change(menuChange).optional(),
  rest: z
    .object({
      hash: z.string(),
      value: overview.omit({ type: true, hash: true, services: true, menus: true }),
    })
    .optional()
    .describe('What is neither services nor menus. Each of the three is absent when it stays.'),
})
export type OverviewDelta = z.output<typeof overviewDelta>

const partHash = z.string().max(100)
const partHashes = z.array(z.tuple([z.string().max(1000), partHash])).optional()

/** What a service has, in its request for overviews; each list in its order. Empty: nothing, but it takes deltas. */
export const overviewParts = z.object({
  services: partHashes.describe('Name and hash of each.'),
  menus: partHashes,
  rest: partHash.optional(),
})

/** A named part, and the hash of what it says. */
export interface OverviewPart {
  readonly name: string
  readonly hash: string
}

/** All parts of an overview. */
export interface OverviewParts {
  readonly services: readonly OverviewPart[]
  readonly menus: readonly OverviewPart[]
  readonly rest: string
}

/** More parts are not compared: such a site gets whole overviews. */
export const MOST_PARTS = 5000
/** Nor a longer list of them, in bytes as it is sent. */
export const MOST_PARTS_BYTES: number = 512 * 1024

/** Parts as they are said in a request. */
export function sayParts({ services, menus, rest }: OverviewParts): z.input<typeof overviewParts> {
  const said = ({ name, hash }: OverviewPart): [string, string] => [name, hash]
  return { services: services.map(said), menus: menus.map(said), rest }
}

/** What `check` is the digest of. */
export function checkedText(parts: OverviewParts): string {
  return JSON.stringify(sayParts(parts))
}

/** How one list becomes another: a change without values. */
export interface PartsChange<From, To> {
  readonly set: readonly { readonly part: To; readonly before: From | undefined; readonly at?: number }[]
  readonly gone: readonly string[]
  readonly order?: readonly string[]
}

/** Compares two lists; undefined where a name stands twice in one of them, and nobody could say which is meant. */
export function compareParts<From extends OverviewPart, To extends OverviewPart>(
  from: readonly From[],
  to: readonly To[],
): PartsChange<From, To> | undefined {
  const before = new Map(from.map((part) => [part.name, part]))
  const after = new Set(to.map(({ name }) => name))
  if (before.size < from.length || after.size < to.length) return undefined
  const gone: string[] = []
  const kept: string[] = []
  for (const { name } of from) (after.has(name) ? kept : gone).push(name)
  let place = 0
  const isMoved = to.some(({ name }) => before.has(name) && kept[place++] !== name)
  const set: { part: To; before: From | undefined; at?: number }[] = []
  let length = kept.length
  for (const [at, part] of to.entries()) {
    const known = before.get(part.name)
    if (known?.hash === part.hash) continue
    const isInside = !known && !isMoved && at !== length
    if (!known) length++
    set.push({ part, before: known, ...(isInside ? { at } : {}) })
  }
  return { set, gone, ...(isMoved ? { order: to.map(({ name }) => name) } : {}) }
}

/** A change that does not fit what is known: the whole overview has to be asked for. */
export class OverviewMisfit extends Error {
  override name = 'OverviewMisfit'
}

/** A part with what it says. */
export interface KnownPart<Value> extends OverviewPart {
  readonly value: Value
}

/** An overview with the hashes of its parts. */
export interface KnownOverview {
  readonly overview: Overview
  /** Undefined where the gateway did not say them. */
  readonly parts?:
    | (OverviewParts & {
        readonly services: readonly KnownPart<OverviewService>[]
        readonly menus: readonly KnownPart<MenuEntry[]>[]
      })
    | undefined
}

/**
 * What is known after a delta. Services, menus and lists of them that stay as they were stay the same objects.
 *
 * @param digest of a text, as the gateway makes it: see `docs/reference/protocols/channel.md`
 * @throws OverviewMisfit when it starts from something else, or does not lead where it says
 */
export function applyDelta(
  known: KnownOverview | undefined,
  delta: OverviewDelta,
  digest: (text: string) => string,
): KnownOverview {
  const { hash, check } = delta
  const isWhole = delta.from === null
  const before = isWhole ? undefined : known
  const had = before?.parts
  if (!isWhole && before?.overview.hash !== delta.from)
    throw new OverviewMisfit('it starts from another overview')
  const services = changed(had?.services ?? [], delta.services, isWhole, ({ value }) => value)
  const menus = changed(had?.menus ?? [], delta.menus, isWhole, ({ value, change }, menu) => {
    if (value) return value
    if (!change || !menu) throw new OverviewMisfit('a menu changed that is not known')
    const items = menu.value.map((item) => ({ name: item.endpoint, hash: '', value: item }))
    const next = changed(
      items,
      { ...change, set: change.set.map((item) => ({ ...item, hash: '' })) },
      false,
      itself,
    )
    return next.map((item) => item.value)
  })
  const restHash = delta.rest?.hash ?? had?.rest
  if (restHash === undefined) throw new OverviewMisfit('what is neither services nor menus is missing')
  const parts = { services, menus, rest: restHash }
  if (digest(checkedText(parts)) !== check) throw new OverviewMisfit('its parts are not those it leads to')
  const { type, hash: _, services: oldServices, menus: oldMenus, ...oldRest } = before?.overview ?? NOTHING
  const overview: Overview = {
    type,
    hash,
    services: services === had?.services ? oldServices : services.map(({ value }) => value),
    menus:
      menus === had?.menus ? oldMenus : Object.fromEntries(menus.map(({ name, value }) => [name, value])),
    ...(delta.rest?.value ?? oldRest),
  }
  return { overview, parts }
}

const NOTHING: Overview = {
  type: 'ACTIVE_SERVERS_UPDATE',
  hash: '',
  services: [],
  menus: {},
  publicKey: null,
  roleMappings: {},
}

function itself<Value>({ value }: { readonly value: Value }): Value {
  return value
}

interface SetPart extends OverviewPart {
  readonly at?: number | undefined
}

/** A list after a change; the same list where there is none. */
function changed<Value, Item extends SetPart>(
  list: readonly KnownPart<Value>[],
  change:
    | {
        readonly set: readonly Item[]
        readonly gone?: readonly string[] | undefined
        readonly order?: readonly string[] | undefined
      }
    | undefined,
  isWhole: boolean,
  valueFor: (item: Item, before: KnownPart<Value> | undefined) => Value,
): readonly KnownPart<Value>[] {
  if (!change) return list
  const made = (item: Item, before?: KnownPart<Value>): KnownPart<Value> => ({
    name: item.name,
    hash: item.hash,
    value: valueFor(item, before),
  })
  if (isWhole) return change.set.map((item) => made(item))
  const gone = new Set(change.gone)
  const parts = list.filter(({ name }) => !gone.has(name))
  const places = new Map(parts.map(({ name }, place) => [name, place]))
  const added: Item[] = []
  for (const item of change.set) {
    const place = places.get(item.name)
    if (place === undefined) added.push(item)
    else parts[place] = made(item, parts[place])
  }
  for (const item of added) parts.splice(item.at ?? parts.length, 0, made(item))
  if (!change.order) return parts
  const byName = new Map(parts.map((part) => [part.name, part]))
  return change.order.map((name) => {
    const part = byName.get(name)
    if (!part) throw new OverviewMisfit('an order names what is not there')
    return part
  })
}
