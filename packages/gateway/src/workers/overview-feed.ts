/**
 * The overview on its way to the workers: menus, and the pages of services, as far as they changed.
 *
 * @module
 */
import type { Overview, OverviewService } from '@hydra-gateway/protocol'
import type { OverviewDelta } from './messages.ts'

/** What a worker has of the overview. */
export type KnownOverview = Pick<Overview, 'hash' | 'menus'> & {
  readonly services: readonly Pick<OverviewService, 'serviceName' | 'endpoints'>[]
}

type Endpoints = OverviewService['endpoints']

/** Compares an overview with the one before, once for all workers. */
export function createOverviewDiffer(): (overview: Overview) => OverviewDelta | undefined {
  let hash = ''
  let menusText = ''
  let texts = new Map<string, string>()
  return (overview) => {
    if (overview.hash === hash) return undefined
    hash = overview.hash
    const endpoints: (readonly [string, Endpoints])[] = []
    const next = new Map<string, string>()
    for (const { serviceName, endpoints: now } of overview.services) {
      const text = JSON.stringify(now)
      next.set(serviceName, text)
      if (texts.get(serviceName) !== text) endpoints.push([serviceName, now])
    }
    const gone = [...texts.keys()].filter((name) => !next.has(name))
    texts = next
    const text = JSON.stringify(overview.menus)
    const isSame = text === menusText
    menusText = text
    return { hash, endpoints, gone, ...(isSame ? {} : { menus: overview.menus }) }
  }
}

/** All of it, for a worker that has nothing. */
export function wholeOverview({ hash, menus, services }: Overview): OverviewDelta {
  return {
    hash,
    menus,
    endpoints: services.map(({ serviceName, endpoints }) => [serviceName, endpoints] as const),
    gone: [],
  }
}

/** Two that follow each other, as one. */
export function joinOverviews(first: OverviewDelta | undefined, then: OverviewDelta): OverviewDelta {
  if (first === undefined) return then
  const gone = new Set(first.gone)
  const endpoints = new Map(first.endpoints)
  for (const name of then.gone) {
    endpoints.delete(name)
    gone.add(name)
  }
  for (const [name, now] of then.endpoints) {
    gone.delete(name)
    endpoints.set(name, now)
  }
  const menus = then.menus ?? first.menus
  return { hash: then.hash, endpoints: [...endpoints], gone: [...gone], ...(menus ? { menus } : {}) }
}

/** A worker's overview. Objects stay the same for as long as what they say does. */
export function createOverviewCopy() {
  const listeners = new Set<() => void>()
  const endpoints = new Map<string, Endpoints>()
  let known: KnownOverview = { hash: '', menus: {}, services: [] }
  return {
    latest: (): KnownOverview => known,
    onChange(listener: () => void) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    apply({ hash, menus = known.menus, endpoints: changed, gone }: OverviewDelta): void {
      for (const name of gone) endpoints.delete(name)
      for (const [name, now] of changed) endpoints.set(name, now)
      const services = [...endpoints].map(([serviceName, now]) => ({ serviceName, endpoints: now }))
      known = { hash, menus, services }
    },
    /** After what else came with it: links are judged by the table as well. */
    tell(): void {
      for (const listener of listeners) listener()
    },
  }
}
