/**
 * Menus that pages asked for and nobody has: a slip in a name, or a service that is not there yet.
 *
 * @module
 */
import { nearest } from '@hydra-gateway/protocol'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { WantedMenus } from './port.ts'

export interface WantedMenusDeps {
  /** All menus there are. */
  readonly names: () => readonly string[]
  readonly clock: Pick<Clock, 'monotonic'>
  readonly log: Pick<Log, 'warn'>
}

/** Pages may be made up of any number of names. */
const MOST_WANTED = 100
/** While services start, some have not said their menus yet. */
const PATIENCE_MS = 10_000

export function createWantedMenus({ names, clock, log }: WantedMenusDeps): WantedMenus {
  const wanted = new Map<
    string,
    { readonly service: string; readonly path: string; readonly at: number; isSaid: boolean }
  >()
  const meantBy = (name: string): { readonly meant?: string } => {
    const meant = nearest(name, names())
    return meant === undefined ? {} : { meant }
  }
  return {
    missed(name, { service, path }) {
      const now = clock.monotonic()
      let about = wanted.get(name)
      if (!about) {
        if (wanted.size >= MOST_WANTED) return
        about = { service, path, at: now, isSaid: false }
        wanted.set(name, about)
      }
      if (about.isSaid) return
      const isOld = now - about.at >= PATIENCE_MS
      // Looked up at first, and once more when it is said: never for each page.
      const { meant } = isOld || about.at === now ? meantBy(name) : {}
      if (!isOld && meant === undefined) return
      about.isSaid = true
      const fields = { menu: name, service: about.service, path: about.path }
      log.warn({ ...fields, ...(meant !== undefined && { meant }) }, 'a page asks for a menu that nobody has')
    },
    list() {
      const known = new Set(names())
      return [...wanted]
        .filter(([name]) => !known.has(name))
        .map(([name, { service, path }]) => ({ name, service, path, ...meantBy(name) }))
    },
  }
}
