/**
 * Counters and gauges of this gateway, in Prometheus' text form at `/_hydra/metrics`.
 *
 * Parts count what they do and, above all, what they refuse or drop. What is counted for every request or read
 * stands in typed arrays (`exchange-counts`, `traffic-counts`), the rest in prom-client.
 *
 * @module
 */
import type { ServiceState } from '@hydra-gateway/protocol'
import { Counter, Gauge, Registry as PrometheusRegistry } from 'prom-client'
import { createExchangeCounts, type Outcome } from './exchange-counts.ts'
import { createFragmentCounts, type FragmentOutcome } from './fragment-counts.ts'
import { createMessageCounts, type MessageCounts } from './message-counts.ts'
import { createTrafficCounts, type TrafficCounts } from './traffic-counts.ts'

type GaugeName =
  | 'instances'
  | 'routes'
  | 'revision'
  | 'channels'
  | 'livePages'
  | 'nodes'
  | 'storeReachable'
  | 'localOnly'
  | 'recordsLeftOut'
  | 'storeIgnored'
  | 'storeReplayed'
  | 'storeInFlight'

/** What something that was refused is: `login` is whatever somebody was to be known by, `set-cookie` a line of a service. */
export type Refused =
  | 'registration'
  | 'beat'
  | 'request'
  | 'upgrade'
  | 'channel'
  | 'cookie'
  | 'context'
  | 'login'
  | 'set-cookie'
  | 'flywheel'

export interface Metrics extends TrafficCounts {
  /** An exchange ended; `service` is `-` for none, `outcome` is what `outcomeOf` says. */
  exchange(service: string, outcome: Outcome, seconds: number): void
  /** Something from outside was refused, by reason (a short constant word). */
  refused(what: Refused, reason: string): void
  /** Services a visitor's cookie had no room for; their visitors may change instance or version. */
  pinsDropped(count: number): void
  /** A request was sent to another instance after the first failed. */
  retried(service: string): void
  /** An upstream failed: refused, timeout, broken. */
  upstreamFailed(service: string, reason: string): void
  /** A fragment settled; `service` is `-` for names the gateway doesn't know. */
  fragment(service: string, outcome: FragmentOutcome, seconds: number): void
  /** Something of a fragment's answer was left out, by a short constant word. */
  fragmentDropped(what: string): void
  /** A page whose fragments the gateway puts in: what became of it. */
  pageComposed(outcome: 'whole' | 'fallbacks' | 'refused' | 'broken' | 'left' | 'passed'): void
  /** Messages, and the clients they come from. */
  readonly messages: MessageCounts
  gauge(name: GaugeName, value: number): void
  /** A service turned degraded. */
  degraded(service: string): void
  /** Known services by state, read whenever somebody asks for the metrics. */
  servicesOf(read: () => Readonly<Record<ServiceState, number>>): void
  /** A gauge that is read whenever somebody asks for the metrics. */
  gaugeOf(name: GaugeName, read: () => number): void
  text(): Promise<{ contentType: string; body: string }>
}

/** Makes the metrics of one gateway; two gateways in one process don't share counts. */
export function createMetrics(): Metrics {
  const registers = [new PrometheusRegistry()]
  const exchanges = createExchangeCounts()
  const { text: trafficText, ...traffic } = createTrafficCounts()
  const refusals = new Counter({
    name: 'hydra_refused_total',
    help: 'Input that was refused',
    labelNames: ['what', 'reason'],
    registers,
  })
  const retries = new Counter({
    name: 'hydra_retries_total',
    help: 'Requests sent to another instance',
    labelNames: ['service'],
    registers,
  })
  const failures = new Counter({
    name: 'hydra_upstream_failures_total',
    help: 'Upstreams that failed',
    labelNames: ['service', 'reason'],
    registers,
  })
  const degradations = new Counter({
    name: 'hydra_degraded_total',
    help: 'Times a service began to fail, or to be slow, more often than it may',
    labelNames: ['service'],
    registers,
  })
  const pins = new Counter({
    name: 'hydra_route_pins_dropped_total',
    help: 'Pins a route cookie had no room for',
    registers,
  })
  const fragments = createFragmentCounts()
  const fragmentDrops = new Counter({
    name: 'hydra_fragment_dropped_total',
    help: 'Parts of fragment answers that were left out',
    labelNames: ['what'],
    registers,
  })
  const pages = new Counter({
    name: 'hydra_composed_pages_total',
    help: 'Pages the gateway put fragments into, by what became of them',
    labelNames: ['outcome'],
    registers,
  })
  const services = new Gauge({
    name: 'hydra_services',
    help: 'Known services',
    labelNames: ['state'],
    registers,
  })
  const gauges = {
    instances: new Gauge({ name: 'hydra_instances', help: 'Known instances', registers }),
    routes: new Gauge({ name: 'hydra_routes', help: 'Routes in the table', registers }),
    revision: new Gauge({ name: 'hydra_table_revision', help: 'Revision of the table', registers }),
    livePages: new Gauge({
      name: 'hydra_live_pages',
      help: 'Open pages that are told of changes (`/_hydra/live`)',
      registers,
    }),
    nodes: new Gauge({ name: 'hydra_nodes', help: 'Gateways that share the store', registers }),
    storeReachable: new Gauge({
      name: 'hydra_store_reachable',
      help: '1 while the store answers, 0 while the last known services are served without it',
      registers,
    }),
    localOnly: new Gauge({
      name: 'hydra_local_only_instances',
      help: 'Instances that only this node knows of, as the store can’t be reached',
      registers,
    }),
    recordsLeftOut: new Gauge({
      name: 'hydra_store_records_left_out',
      help: 'Records of the store that are no registrations, or for which there is no room',
      registers,
    }),
    storeIgnored: new Gauge({
      name: 'hydra_store_ignored_records',
      help: 'Records of the store that none of our private keys sealed, since the start',
      registers,
    }),
    storeReplayed: new Gauge({
      name: 'hydra_store_replayed_messages',
      help: 'Messages between nodes that came a second time, or long after they were sent, since the start',
      registers,
    }),
    storeInFlight: new Gauge({
      name: 'hydra_store_commands_in_flight',
      help: 'Commands that wait for an answer of the store',
      registers,
    }),
    channels: new Gauge({ name: 'hydra_channels', help: 'Open RSocket channels', registers }),
  }
  const readers = new Map<GaugeName, () => number>()
  let readServices: (() => Readonly<Record<ServiceState, number>>) | undefined
  return {
    ...traffic,
    exchange: exchanges.add,
    refused: (what, reason) => refusals.inc({ what, reason }),
    retried: (service) => retries.inc({ service: exchanges.labelOf(service) }),
    upstreamFailed: (service, reason) => failures.inc({ service: exchanges.labelOf(service), reason }),
    pinsDropped: (count) => pins.inc(count),
    degraded: (service) => degradations.inc({ service: exchanges.labelOf(service) }),
    fragment: fragments.add,
    fragmentDropped: (what) => fragmentDrops.inc({ what }),
    pageComposed: (outcome) => pages.inc({ outcome }),
    messages: createMessageCounts(registers),
    gauge: (name, value) => gauges[name].set(value),
    servicesOf(read) {
      readServices = read
    },
    gaugeOf: (name, read) => void readers.set(name, read),
    async text() {
      for (const [name, read] of readers) gauges[name].set(read())
      for (const [state, count] of Object.entries(readServices?.() ?? {})) services.set({ state }, count)
      const [register] = registers as [PrometheusRegistry]
      return {
        contentType: register.contentType,
        body: `${exchanges.text()}\n\n${trafficText()}\n\n${fragments.text()}\n\n${await register.metrics()}`,
      }
    },
  }
}
