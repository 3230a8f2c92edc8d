/**
 * Counts of connections and bytes: one number each in a typed array, because bytes are counted on every read.
 *
 * @module
 */

export interface TrafficCounts {
  /** A visitor's connection opened; for TLS once it is known what is spoken on it. */
  connectionOpened(protocol: 'http/1.1' | 'h2'): void
  connectionClosed(): void
  /** A WebSocket of a visitor opened: its exchange was answered with 101, or given away. */
  websocketOpened(): void
  websocketClosed(): void
  /** A connection to an instance opened; pooled ones count until they are closed. */
  upstreamConnectionOpened(): void
  upstreamConnectionClosed(): void
  /** Bytes came from visitors: heads, bodies and what WebSockets carry, within TLS. */
  bytesIn(count: number): void
  /** Bytes went to visitors, counted the same way. */
  bytesOut(count: number): void
  /** Lines of the access log were lost, because where they go stood still. */
  logLinesDropped(count: number): void
}

const HTTP1 = 0
const H2 = 1
const OPEN = 2
const WEBSOCKETS = 3
const UPSTREAM = 4
const IN = 5
const OUT = 6
const DROPPED = 7

/** Makes the counts, and what they are in Prometheus' text form, without a line feed at the end. */
export function createTrafficCounts(): TrafficCounts & { text(): string } {
  const counts = new Float64Array(8)
  return {
    connectionOpened(protocol) {
      counts[protocol === 'h2' ? H2 : HTTP1]! += 1
      counts[OPEN]! += 1
    },
    connectionClosed() {
      counts[OPEN]! -= 1
    },
    websocketOpened() {
      counts[WEBSOCKETS]! += 1
    },
    websocketClosed() {
      counts[WEBSOCKETS]! -= 1
    },
    upstreamConnectionOpened() {
      counts[UPSTREAM]! += 1
    },
    upstreamConnectionClosed() {
      counts[UPSTREAM]! -= 1
    },
    bytesIn(count) {
      counts[IN]! += count
    },
    bytesOut(count) {
      counts[OUT]! += count
    },
    logLinesDropped(count) {
      counts[DROPPED]! += count
    },
    text: () =>
      [
        section('hydra_connections', 'Open connections of visitors', 'gauge', { '': counts[OPEN]! }),
        section('hydra_connections_total', 'Connections visitors opened', 'counter', {
          '{protocol="http/1.1"}': counts[HTTP1]!,
          '{protocol="h2"}': counts[H2]!,
        }),
        section('hydra_websockets', 'Open WebSockets of visitors', 'gauge', { '': counts[WEBSOCKETS]! }),
        section('hydra_upstream_connections', 'Open connections to instances', 'gauge', {
          '': counts[UPSTREAM]!,
        }),
        section('hydra_bytes_total', 'Bytes that came from visitors and went to them', 'counter', {
          '{direction="in"}': counts[IN]!,
          '{direction="out"}': counts[OUT]!,
        }),
        section('hydra_log_lines_dropped_total', 'Lines of the access log that were lost', 'counter', {
          '': counts[DROPPED]!,
        }),
      ].join('\n\n'),
  }
}

/** One metric; its values by their labels, as they stand in the text. */
function section(name: string, help: string, type: string, values: Readonly<Record<string, number>>): string {
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`]
  for (const [labels, value] of Object.entries(values)) lines.push(`${name}${labels} ${value}`)
  return lines.join('\n')
}
