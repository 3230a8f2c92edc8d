/**
 * Who may open a stream: how many there may be, of how many pages of one address, and what is no page of this site.
 *
 * @module
 */
import type { ErrorCode } from '../errors.ts'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { createSeldom } from '../observe/seldom.ts'
import { answerProblem } from '../pages/local-problem.ts'
import type { Exchange } from '../proxy/exchange.ts'
import type { LiveSettings } from './port.ts'

export interface StreamRefusal {
  readonly code: ErrorCode
  readonly detail: string
  /** A constant word for the metrics; absent where it is nothing but a mistake. */
  readonly reason?: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface StreamAdmission {
  /** Why an exchange can't have a stream; undefined when it can. */
  refusalOf(exchange: Exchange): StreamRefusal | undefined
  /** Answers with it; counts it, and says so once in a while. */
  refuse(exchange: Exchange, refusal: StreamRefusal): void
  opened(client: string): void
  closed(client: string): void
  readonly size: number
}

/** A page that was turned away comes back in so many seconds, and not together with all others. */
const RETRY_SECONDS = { least: 5, spread: 10 }

export function createStreamAdmission({
  settings: { maxStreams, maxStreamsPerClient },
  networkOf,
  clock,
  random,
  log,
  metrics,
}: {
  readonly settings: Pick<LiveSettings, 'maxStreams' | 'maxStreamsPerClient'>
  /** Who has an IPv6 address has 2^64 of them. */
  readonly networkOf: (address: string) => string
  readonly clock: Pick<Clock, 'monotonic'>
  readonly random: () => number
  readonly log: Pick<Log, 'warn'>
  readonly metrics: Pick<Metrics, 'refused'>
}): StreamAdmission {
  /** By network. */
  const clients = new Map<string, number>()
  const isDue = createSeldom({ clock })
  let size = 0

  const overloaded = (reason: string, detail: string): StreamRefusal => {
    const seconds = RETRY_SECONDS.least + Math.floor(random() * RETRY_SECONDS.spread)
    return { code: 'HYDRA_OVERLOADED', detail, reason, headers: { 'retry-after': String(seconds) } }
  }

  function warn(reason: string, client: string): void {
    if (!isDue(reason)) return
    log.warn({ client, reason, streams: size }, 'stream of an open page refused; pages go on without')
  }

  return {
    get size() {
      return size
    },
    refusalOf({ method, isUpgrade, hasBody, headers, client }) {
      if (method !== 'GET')
        return {
          code: 'HYDRA_METHOD_NOT_ALLOWED',
          detail: 'this is a stream: use GET',
          headers: { allow: 'GET' },
        }
      if (isUpgrade || hasBody)
        return {
          code: 'HYDRA_BAD_REQUEST',
          detail: 'this is a stream of server-sent events: ask for it with GET and nothing else',
        }
      // Nothing here is for pages of others, who could not read it and would hold our connections.
      if (headers.get('sec-fetch-site') === 'cross-site')
        return {
          code: 'HYDRA_FORBIDDEN',
          detail: 'this stream is for pages of this site',
          reason: 'live-cross-site',
        }
      if (size >= maxStreams)
        return overloaded(
          'live-streams',
          'as many pages as may be are told of changes already (live.maxStreams)',
        )
      if ((clients.get(networkOf(client)) ?? 0) >= maxStreamsPerClient)
        return overloaded(
          'live-client',
          'as many pages of one address as may be are told of changes already (live.maxStreamsPerClient)',
        )
      return undefined
    },
    refuse(exchange, { code, detail, reason, headers }) {
      if (reason !== undefined) {
        metrics.refused('request', reason)
        warn(reason, exchange.client)
      }
      answerProblem(exchange, code, detail, headers)
    },
    opened(client) {
      const network = networkOf(client)
      size++
      clients.set(network, (clients.get(network) ?? 0) + 1)
    },
    closed(client) {
      const network = networkOf(client)
      size--
      const left = clients.get(network)! - 1
      if (left > 0) clients.set(network, left)
      else clients.delete(network)
    },
  }
}
