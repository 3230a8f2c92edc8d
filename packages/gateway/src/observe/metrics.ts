/**
 * Counters and gauges of this gateway, in Prometheus' text form at `/_hydra/metrics`.
 *
 * Parts count what they do and, above all, what they refuse or drop; names are listed here and nowhere else.
 *
 * @module
 */
import { Counter, Gauge, Histogram, Registry as PrometheusRegistry } from 'prom-client'

type GaugeName = 'services' | 'instances' | 'routes' | 'revision' | 'channels'

export interface Metrics {
  /** Finished exchanges by service (`-` for none) and class of status (`2xx` …, `aborted`). */
  exchange(service: string, outcome: string, seconds: number): void
  /** Something from outside was refused, by reason (a short constant word). */
  refused(what: 'registration' | 'beat' | 'request' | 'upgrade' | 'channel' | 'cookie', reason: string): void
  /** Services a visitor's cookie had no room for; their visitors may change instance or version. */
  pinsDropped(count: number): void
  /** A request was sent to another instance after the first failed. */
  retried(service: string): void
  /** An upstream failed: refused, timeout, broken. */
  upstreamFailed(service: string, reason: string): void
  gauge(name: GaugeName, value: number): void
  /** A gauge that is read whenever somebody asks for the metrics. */
  gaugeOf(name: GaugeName, read: () => number): void
  text(): Promise<{ contentType: string; body: string }>
}

/** Makes the metrics of one gateway; two gateways in one process don't share counts. */
export function createMetrics(): Metrics {
  const registers = [new PrometheusRegistry()]
  const exchanges = new Counter({
    name: 'hydra_exchanges_total',
    help: 'Finished exchanges',
    labelNames: ['service', 'outcome'],
    registers,
  })
  const duration = new Histogram({
    name: 'hydra_exchange_seconds',
    help: 'Duration of exchanges',
    labelNames: ['service'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  })
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
  const pins = new Counter({
    name: 'hydra_route_pins_dropped_total',
    help: 'Pins a route cookie had no room for',
    registers,
  })
  const gauges = {
    services: new Gauge({ name: 'hydra_services', help: 'Known services', registers }),
    instances: new Gauge({ name: 'hydra_instances', help: 'Known instances', registers }),
    routes: new Gauge({ name: 'hydra_routes', help: 'Routes in the table', registers }),
    revision: new Gauge({ name: 'hydra_table_revision', help: 'Revision of the table', registers }),
    channels: new Gauge({ name: 'hydra_channels', help: 'Open RSocket channels', registers }),
  }
  const readers = new Map<GaugeName, () => number>()
  return {
    exchange(service, outcome, seconds) {
      exchanges.inc({ service, outcome })
      duration.observe({ service }, seconds)
    },
    refused: (what, reason) => refusals.inc({ what, reason }),
    retried: (service) => retries.inc({ service }),
    upstreamFailed: (service, reason) => failures.inc({ service, reason }),
    pinsDropped: (count) => pins.inc(count),
    gauge: (name, value) => gauges[name].set(value),
    gaugeOf: (name, read) => void readers.set(name, read),
    async text() {
      for (const [name, read] of readers) gauges[name].set(read())
      const [register] = registers as [PrometheusRegistry]
      return { contentType: register.contentType, body: await register.metrics() }
    },
  }
}
