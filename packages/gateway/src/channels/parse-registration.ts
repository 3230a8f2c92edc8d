/**
 * A registration as it came, turned into one we believe, or into an error that names its faults.
 *
 * @module
 */
import { MOST_REFS, MOST_USES, type Registration, registration } from '@hydra-gateway/protocol'
import { HydraError } from '../errors.ts'
import { readUnknownFields } from './unknown-fields.ts'

/** Faults listed in one answer; a body with ten thousand of them need not be answered with all. */
const MOST_FAULTS = 20
/** Characters shown of what a fault quotes: the answer to 8 MiB of nonsense is short, and so is its log line. */
const MOST_QUOTED = 200

/** What of a registration is believed, and what may have been meant otherwise, in sentences. */
export interface ReadRegistration {
  readonly registration: Registration
  readonly notes: readonly string[]
}

/**
 * Lists are counted before they are read: millions of faulty entries would cost seconds to find fault with.
 *
 * @throws HydraError HYDRA_TOO_LARGE above `maxRoutes` routes, or as many menus and menu items;
 * HYDRA_BAD_REGISTRATION with the faults in `errors`
 */
export function parseRegistration(value: unknown, maxRoutes: number): ReadRegistration {
  if (isObject(value)) {
    const { endpoints, sockets, staticResources, routes, menu, menuItems = menu, refs, uses } = value
    const declared = lengthOf(endpoints) + lengthOf(sockets) + lengthOf(staticResources) + lengthOf(routes)
    if (declared > maxRoutes) throw tooMany(maxRoutes, 'routes')
    if (menuCount(menuItems, maxRoutes) > maxRoutes) throw tooMany(maxRoutes, 'menu items')
    if (lengthOf(refs) > MOST_REFS) throw tooMany(MOST_REFS, 'fragments')
    if (lengthOf(uses) > MOST_USES) throw tooMany(MOST_USES, 'uses of fragments')
  }
  const { faults, notes, menuItems } = isObject(value) ? readUnknownFields(value) : NOTHING_READ
  const parsed = registration.safeParse(isObject(value) ? { ...value, menuItems } : value)
  const issues = parsed.success ? [] : parsed.error.issues
  if (parsed.success && faults.length === 0) return { registration: parsed.data, notes }
  const errors = [
    ...issues.map(({ path, message }) => ({ path: path.join('.') || '(body)', message })),
    ...faults,
  ]
    .slice(0, MOST_FAULTS)
    .map(({ path, message }) => ({ path: shown(path), message: shown(message) }))
  const [first] = errors
  const more = issues.length + faults.length - 1
  const detail = `${first?.path}: ${first?.message}${more > 0 ? `, and ${more} more` : ''}`
  throw new HydraError('HYDRA_BAD_REGISTRATION', detail, { errors })
}

const NOTHING_READ = { notes: [], faults: [], menuItems: undefined }

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function lengthOf(value: unknown): number {
  return Array.isArray(value) ? value.length : 0
}

/** Menus and the items in them, counted to a little beyond `enough`. */
function menuCount(menus: unknown, enough: number): number {
  let count = 0
  if (!isObject(menus)) return count
  for (const menu in menus) {
    count += 1 + lengthOf(menus[menu])
    if (count > enough) break
  }
  return count
}

function tooMany(most: number, what: string): HydraError {
  return new HydraError('HYDRA_TOO_LARGE', `a registration may have ${most} ${what}; nothing was registered`)
}

function shown(text: string): string {
  return text.length <= MOST_QUOTED ? text : `${text.slice(0, MOST_QUOTED - 1)}…`
}
