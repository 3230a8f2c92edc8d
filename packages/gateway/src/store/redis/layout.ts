/**
 * Which servers hold what: one for all, the one Sentinel calls primary, or those of a Cluster by slot.
 *
 * @module
 */
import type { RedisAddress, ServerAddress } from './address.ts'
import type { Connection } from './connection.ts'
import { slotOf } from './slot.ts'

export interface Layout {
  readonly servers: readonly ServerAddress[]
  /** Who holds a key; undefined: nobody does, for now. */
  owner(key: string): ServerAddress | undefined
}

/** Finds out anew. Rejects when nobody could be asked. */
export type FindLayout = (connections: readonly Connection[]) => Promise<Layout>

/** Opens a connection for a question or two. */
type Visit = (address: ServerAddress) => Promise<Connection>

export function layoutFinder(address: RedisAddress, visit: Visit): FindLayout {
  if (address.kind === 'sentinel') return () => bySentinel(address.seeds, address.name!, visit)
  if (address.kind === 'cluster') return (open) => byCluster(address.seeds, open, visit)
  const [server] = address.seeds
  const layout: Layout = { servers: [server!], owner: () => server }
  return async () => layout
}

export function sameServer(a: ServerAddress, b: ServerAddress): boolean {
  return a.host === b.host && a.port === b.port
}

/** All are asked; what most of them say is believed, as one that is cut off may still name the old one. */
async function bySentinel(seeds: readonly ServerAddress[], name: string, visit: Visit): Promise<Layout> {
  const votes = new Map<string, { readonly server: ServerAddress; count: number }>()
  const errors: Error[] = []
  return new Promise((resolve, reject) => {
    let left = seeds.length
    const most = (): { readonly server: ServerAddress; count: number } | undefined =>
      [...votes.values()].sort((a, b) => b.count - a.count)[0]
    const decide = (): void => {
      const first = most()
      if (first && (first.count * 2 > seeds.length || left === 0))
        resolve({ servers: [first.server], owner: () => first.server })
      else if (left === 0) reject(errors[0] ?? new Error(`no Sentinel knows ${name}`))
    }
    for (const seed of seeds) {
      void askSentinel(seed, name, visit)
        .then((server) => {
          const key = `${server.host} ${server.port}`
          const vote = votes.get(key) ?? { server, count: 0 }
          vote.count++
          votes.set(key, vote)
        })
        .catch((error: Error) => errors.push(error))
        .finally(() => {
          left--
          decide()
        })
    }
  })
}

async function askSentinel(seed: ServerAddress, name: string, visit: Visit): Promise<ServerAddress> {
  const sentinel = await visit(seed)
  try {
    const answer = await sentinel.send(['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name])
    if (!Array.isArray(answer)) throw new Error(`Sentinel at ${seed.host}:${seed.port} knows no ${name}`)
    return { host: String(answer[0]), port: Number(answer[1]) }
  } finally {
    sentinel.close()
  }
}

async function byCluster(
  seeds: readonly ServerAddress[],
  open: readonly Connection[],
  visit: Visit,
): Promise<Layout> {
  const first = async (answers: readonly Promise<Layout>[]): Promise<Layout> => {
    try {
      return await Promise.any(answers)
    } catch (error) {
      throw (error as AggregateError).errors[0] ?? new Error('no node of the Cluster is known')
    }
  }
  const visits = (): Promise<Layout>[] =>
    seeds.map(async (seed) => {
      const connection = await visit(seed)
      try {
        return await askCluster(connection)
      } finally {
        connection.close()
      }
    })
  return first(open.map(askCluster)).catch(() => first(visits()))
}

async function askCluster(connection: Connection): Promise<Layout> {
  const ranges = (await connection.send(['CLUSTER', 'SLOTS'])) as [number, number, [string | null, number]][]
  const servers = new Map<string, ServerAddress>()
  const owners: { readonly from: number; readonly to: number; readonly server: ServerAddress }[] = []
  for (const [from, to, [host, port]] of ranges) {
    // A node that doesn't know how others reach it says nothing: then it is as we reach it.
    const at = host || connection.address.host
    const key = `${at} ${port}`
    const server = servers.get(key) ?? { host: at, port }
    servers.set(key, server)
    owners.push({ from, to, server })
  }
  if (owners.length === 0) throw new Error('the Cluster serves no slots')
  return {
    servers: [...servers.values()],
    owner(key) {
      const slot = slotOf(key)
      return owners.find(({ from, to }) => from <= slot && slot <= to)?.server
    },
  }
}
