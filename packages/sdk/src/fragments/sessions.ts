/**
 * What services keep of a visitor, kept for them by the page: loaded before its first fragment is asked for, saved
 * when the page is done and something changed.
 *
 * By default in the memory of this process, by the pseudonym the gateway gives this service for each visitor.
 * That is right for one instance, or with the option `affinity`. A store that fails costs the sessions, never the page.
 *
 * @module
 */
import { MOST_SESSION_BYTES } from '@hydra-gateway/protocol'
import type { Log } from '../log.ts'
import type { PageBinding, SessionsOption, VisitorSessions } from './binding.ts'
import { messageOf } from './local.ts'
import { jsonOf } from './output.ts'

/** The sessions of the visitor of one page. */
export interface PageSessions {
  /** What is kept, by service; nothing when the store fails. */
  load(): Promise<VisitorSessions>
  /** `changed`: those that are new, by service. */
  save(changed: VisitorSessions): Promise<void>
}

/** Opens the sessions of whoever sends `request`, or is known as `visitor`. */
export type OpenSessions = (visitor: string | undefined, request: object | undefined) => PageSessions

const MOST_VISITORS = 10_000
const KEPT_MS = 30 * 60_000
/** A store that takes longer is as good as none: the page waits for it. */
const PATIENCE_MS = 500
const NOTHING: VisitorSessions = Object.freeze({})

const opened = new WeakMap<PageBinding, OpenSessions>()

/** The sessions of a service: one memory for all of its pages. */
export function sessionsOf(binding: PageBinding): OpenSessions {
  let open = opened.get(binding)
  if (!open) {
    open = binding.sessions ? openStore(binding.sessions, binding) : openMemory(binding)
    opened.set(binding, open)
  }
  return open
}

function openStore(store: SessionsOption, { log }: PageBinding): OpenSessions {
  return (_visitor, request) => {
    // A fragment that has fragments itself is asked for by the gateway: there is no request of a visitor.
    if (request === undefined) return { load: async () => NOTHING, save: async () => {} }
    let kept = NOTHING
    return {
      async load() {
        try {
          const loaded = await inTime(store.load(request), 'sessions.load')
          if (loaded === undefined || loaded === null) return NOTHING
          kept = checked(loaded)
          return readable(kept, log)
        } catch (fault) {
          log.warn(`what services keep of a visitor could not be loaded: ${messageOf(fault)}`)
          return NOTHING
        }
      },
      async save(changed) {
        try {
          await inTime(store.save(request, merged(kept, changed)), 'sessions.save')
        } catch (fault) {
          log.warn(`what services keep of a visitor could not be saved: ${messageOf(fault)}`)
        }
      },
    }
  }
}

function openMemory({ log, service, affinity }: PageBinding): OpenSessions {
  const memory = createMemorySessions({ most: MOST_VISITORS, keptMs: KEPT_MS, now: () => performance.now() })
  let isSaid = affinity === true
  return (visitor) => ({
    load: async () => (visitor === undefined ? NOTHING : memory.get(visitor)),
    async save(changed) {
      if (visitor === undefined) return
      memory.merge(visitor, changed)
      if (isSaid) return
      isSaid = true
      log.warn(
        `${Object.keys(changed).join(', ')} keeps something of visitors, which is in the memory of this process: ` +
          `give ${service} the option affinity: true, so that visitors stay on one instance, or sessions to keep it elsewhere`,
      )
    },
  })
}

/** Sessions in memory, bounded: who came least recently is forgotten first, and everybody after `keptMs`. */
export function createMemorySessions({
  most,
  keptMs,
  now,
}: {
  readonly most: number
  readonly keptMs: number
  readonly now: () => number
}) {
  const visitors = new Map<string, { readonly sessions: VisitorSessions; readonly at: number }>()

  function get(visitor: string): VisitorSessions {
    const found = visitors.get(visitor)
    if (!found) return NOTHING
    visitors.delete(visitor)
    if (now() - found.at >= keptMs) return NOTHING
    visitors.set(visitor, { sessions: found.sessions, at: now() })
    return found.sessions
  }

  return {
    get,
    /** Two pages at once each change what their services said, and nothing else. */
    merge(visitor: string, changed: VisitorSessions): void {
      const sessions = merged(get(visitor), changed)
      visitors.delete(visitor)
      visitors.set(visitor, { sessions, at: now() })
      for (const [oldest, { at }] of visitors) {
        if (visitors.size <= most && now() - at < keptMs) break
        visitors.delete(oldest)
      }
    },
    get size() {
      return visitors.size
    },
  }
}

/** Null is how a service says that nothing is to be kept any more. */
function merged(kept: VisitorSessions, changed: VisitorSessions): VisitorSessions {
  const all = Object.entries({ ...kept, ...changed }).filter(([, session]) => session !== null)
  return Object.freeze(Object.fromEntries(all))
}

function checked(sessions: unknown): VisitorSessions {
  if (typeof sessions !== 'object' || sessions === null || Array.isArray(sessions))
    throw new TypeError('sessions.load must give an object by service, or nothing')
  return sessions as VisitorSessions
}

/** As the wire and handlers take them; one of a store that is no JSON is its service's loss alone. */
function readable(sessions: VisitorSessions, log: Log): VisitorSessions {
  const read = new Map<string, unknown>()
  for (const [service, session] of Object.entries(sessions)) {
    const text = jsonOf(session)
    if (text !== undefined) read.set(service, JSON.parse(text))
    else if (session !== undefined)
      log.warn(`what ${service} keeps of a visitor was loaded as something that is no JSON; it is left out`)
  }
  return Object.fromEntries(read)
}

/** Whether a session may be kept: JSON of no more than the agreed size. */
export function isKeepable(session: unknown): boolean {
  return Buffer.byteLength(JSON.stringify(session) ?? '') <= MOST_SESSION_BYTES
}

function inTime<Value>(value: Value | Promise<Value>, what: string): Promise<Value> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what} took more than ${PATIENCE_MS} ms`)), PATIENCE_MS)
    Promise.resolve(value)
      .then(resolve, reject)
      .finally(() => clearTimeout(timer))
  })
}
