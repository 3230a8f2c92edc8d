/**
 * Notices services that set cookies under names of ours: their lines are left out, which is counted, and said once for
 * each service.
 *
 * @module
 */
import type { ResponseHead } from '../http1/head.ts'
import { SET_COOKIE } from '../http1/names.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Exchange } from './exchange.ts'
import { isReserved } from './set-cookie.ts'

export type CookieWatch = (exchange: Pick<Exchange, 'id'>, service: string, head: ResponseHead) => void

/** Services that were told of; names come from outside. */
const MOST_TOLD = 1000
const MOST_SHOWN = 64

export function createCookieWatch({
  log,
  metrics,
}: {
  readonly log: Pick<Log, 'warn'>
  readonly metrics: Pick<Metrics, 'refused'>
}): CookieWatch {
  const told = new Set<string>()
  return (exchange, service, head) => {
    if (head.find(SET_COOKIE) < 0) return
    for (const value of head.all('set-cookie')) {
      if (!isReserved(value)) continue
      metrics.refused('set-cookie', 'reserved')
      if (told.has(service) || told.size >= MOST_TOLD) continue
      told.add(service)
      const name = value.split(/[=;]/, 1)[0]!.slice(0, MOST_SHOWN)
      log.warn(
        { exchange: exchange.id, service, name },
        'cookie of a service dropped: its name is the gateway’s',
      )
    }
  }
}
