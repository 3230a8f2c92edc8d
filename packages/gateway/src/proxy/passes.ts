/**
 * Requests that come round: those that passed this cluster too often already are answered and go no further. For what
 * nobody could refuse when it was registered: a service that is a gateway of the same cluster behind a name or a port
 * we don't know, or another gateway that has one of ours for a service.
 *
 * Each pass is a member of `CDN-Loop` (RFC 8586) that names the cluster; those of others go on as they came. `Via`
 * (RFC 9110, 7.6.3) could carry the same, but makes servers behind us leave their answers uncompressed, as nginx does.
 *
 * The first pass of a request says nothing. Whatever a gateway like this one sent has a `Forwarded` line, so a request
 * without one has not been here: visitors who come directly cost one look for that line, and not a byte more. The pass of
 * those that have one, such as from proxies before us, is a line of 29 bytes.
 *
 * Who writes such members into a request of their own gets the refusal they ask for.
 *
 * @module
 */
import { createHmac } from 'node:crypto'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import { createSeldom } from '../observe/seldom.ts'
import type { Exchange } from './exchange.ts'
import type { ProxySettings } from './settings.ts'

export interface Passes {
  /** Notes the pass of a request on its way to a service. False: it passed too often already. */
  allow(exchange: Pick<Exchange, 'headers' | 'hasPassed' | 'pass' | 'id'>, service: string): boolean
}

export interface PassesDeps {
  /** Nodes of a cluster have the first in common. */
  readonly privateKeys: readonly string[]
  /** Read for each request that passed before. */
  readonly settings: Pick<ProxySettings, 'maxPasses'>
  readonly clock: Pick<Clock, 'monotonic'>
  readonly log: Pick<Log, 'warn'>
}

const LABEL = 'hydra-gateway: requests that passed this cluster'

export function createPasses({ privateKeys, settings, clock, log }: PassesDeps): Passes {
  const [key] = privateKeys
  if (key === undefined) throw new Error('a cluster is named by its private key')
  const name = `hydra-${createHmac('sha256', key).update(LABEL).digest('hex').slice(0, 11)}`
  const isDue = createSeldom({ clock })

  const warn = (id: string, service: string): void => {
    if (!isDue(service)) return
    log.warn(
      { exchange: id, service, passes: settings.maxPasses },
      'requests for a service come round: its address leads back to this cluster',
    )
  }

  return {
    allow(exchange, service) {
      if (!exchange.hasPassed) return true
      exchange.pass = name
      if (passesOf(exchange.headers.all('cdn-loop'), name) < settings.maxPasses - 1) return true
      warn(exchange.id, service)
      return false
    },
  }
}

/** Members that are this name, whatever parameters they have. */
function passesOf(lines: readonly string[], name: string): number {
  let count = 0
  for (const line of lines) {
    for (const member of line.split(',')) if (member.split(';', 1)[0]!.trim() === name) count++
  }
  return count
}
