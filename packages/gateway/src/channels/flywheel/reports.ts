/**
 * What the router API tells of instances in Redis. Read when somebody asks, never for a request.
 *
 * @module
 */
import type { RedisLine } from '../../store/redis/port.ts'
import { readListed, readObject, type SeenEntry } from './node-entry.ts'
import type { InstanceReport, NodeEntry } from './port.ts'
import { NODES_CLEAR, NODES_LIST, REPORTS } from './scripts.ts'
import type { FlywheelNetworkSettings } from './settings.ts'
import { NODES } from './words.ts'

export interface Reports {
  /** Of these, with entries as they are now. */
  instances(live: Iterable<SeenEntry>): Promise<readonly InstanceReport[]>
  nodes(): Promise<readonly NodeEntry[]>
  clear(): Promise<number>
}

const AT_ONCE = 200
const PIECE = '500'
const MOST_REPORT_BYTES = '65536'

export function createReports({
  line,
  settings,
}: {
  readonly line: RedisLine
  readonly settings: Pick<FlywheelNetworkSettings, 'maxNodes' | 'maxEntryBytes'>
}): Reports {
  return {
    async instances(live) {
      const all = [...live]
      const reports: InstanceReport[] = []
      for (let at = 0; at < all.length; at += AT_ONCE) {
        const asked = all.slice(at, at + AT_ONCE)
        const words = asked.flatMap(({ service, id }) => [service, id])
        const [found, entries] = await Promise.all([
          line.run(REPORTS, [NODES], [MOST_REPORT_BYTES, ...words]) as Promise<[string, string[]][]>,
          line.send(NODES, ['HMGET', NODES, ...asked.map(({ id }) => id)]) as Promise<(string | null)[]>,
        ])
        for (const [i, { id, entry }] of asked.entries()) {
          const [healthText, logTexts] = found[i]!
          const health = readObject(healthText)
          const latest = entries[i]
          reports.push({
            entry: (latest && readListed(id, latest)) || entry,
            ...(health ? { health } : {}),
            log: logTexts.map(readObject).filter((one) => one !== undefined),
          })
        }
      }
      return reports
    },
    async nodes() {
      const nodes = new Map<string, NodeEntry>()
      let cursor = '0'
      do {
        const args = [cursor, PIECE, String(settings.maxEntryBytes)]
        const [next, listed] = (await line.run(NODES_LIST, [NODES], args)) as [string, string[]]
        cursor = next
        for (let i = 0; i < listed.length && nodes.size < settings.maxNodes; i += 2) {
          const entry = readListed(listed[i]!, listed[i + 1]!)
          if (entry) nodes.set(listed[i]!, entry)
        }
      } while (cursor !== '0' && nodes.size < settings.maxNodes)
      return [...nodes.values()]
    },
    async clear() {
      let removed = 0
      let cursor = '0'
      do {
        const [next, count] = (await line.run(NODES_CLEAR, [NODES], [cursor, PIECE])) as [string, number]
        cursor = next
        removed += count
      } while (cursor !== '0')
      return removed
    },
  }
}
