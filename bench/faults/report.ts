/**
 * What was found as two tables: requests under faults, and how soon everybody knows.
 *
 * @module
 */
import type { Finding } from '../../test/cluster/faults/trial.ts'
import { isMet, percentileOf } from '../../test/cluster/faults/words.ts'
import type { Part } from '../support/part.ts'

export interface Found extends Finding {
  readonly name: string
}

export function partsOf(found: readonly Found[]): readonly Part[] {
  const faults: Part = {
    name: 'faults',
    title: 'Requests while things are killed, 500 a second',
    columns: [
      'what happens',
      'requests',
      'failed',
      'POST cut and told',
      'asked again',
      'other node',
      'stale',
      'twice',
      'p99 ms',
      'longest gap ms',
    ],
    rows: found.flatMap(({ rows, faults }) =>
      rows.map(({ what, counts, doubles, lost }) => ({
        cells: [
          what,
          grouped(counts.sent),
          String(counts.failedRepeatable + lost),
          String(counts.failedSent),
          String(counts.repeated + counts.rescued),
          String(counts.moved),
          String(counts.stale),
          String(doubles),
          counts.latency.p99.toFixed(0),
          counts.longestGapMs.toFixed(0),
        ],
        target: {
          text: 'failed, stale, twice: 0',
          isMet: faults.every((fault) => !fault.startsWith(what)),
        },
      })),
    ),
    notes: [
      '“Failed” are requests that may be repeated: all GETs, and POSTs of which nothing was sent; and POSTs that were answered well and taken by nobody.',
      '“POST cut and told”: it was under way when its service or node was killed, ended in 502 or with the connection, and was sent to nobody else.',
      '“Asked again”: GETs whose connection broke, repeated by the client; where no node is killed, only those whose kept connection was closed before any byte.',
      '“Other node”: connections that a node refused, as a load balancer would go on to the next.',
      '“Stale”: answers of an instance that left, or was killed, more than a second before.',
      ...found.flatMap(({ notes }) => notes),
    ],
    data: found,
    seconds: 0,
  }
  const timings: Part = {
    name: 'timings',
    title: 'How soon everybody knows, ms',
    columns: ['what', 'times', 'p50', 'p95', 'p99', 'max'],
    rows: found.flatMap(({ timings }) =>
      timings.map((timing) => ({
        cells: [
          timing.what,
          String(timing.values.length),
          ...[0.5, 0.95, 0.99, 1].map((share) => percentileOf(timing.values, share).toFixed(0)),
        ],
        ...(timing.target && {
          target: {
            text: `${timing.target.of} ≤ ${grouped(timing.target.atMostMs)} ms`,
            isMet: isMet(timing),
          },
        }),
      })),
    ),
    notes: [],
    data: undefined,
    seconds: 0,
  }
  return [faults, timings].filter(({ rows }) => rows.length > 0)
}

/** 100 000: with a thin gap every three digits. */
function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ' ')
}
