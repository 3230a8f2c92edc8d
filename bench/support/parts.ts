/**
 * The parts of `npm run bench:core`: what each measures, and which figures it has to reach.
 *
 * @module
 */
import { benchScanner, type ScanRow } from '../codec/scanner.ts'
import { benchEvents, type EventRow } from '../events/events.ts'
import { benchTokens, type TokenRow } from '../identity/tokens.ts'
import { benchProxy } from '../proxy/proxy.ts'
import { benchRegistration, benchTable, type TableRow } from '../table/table.ts'
import type { Outcome, PartRow, Target } from './part.ts'

export const PARTS = {
  table: tablePart,
  scanner: scannerPart,
  identity: identityPart,
  proxy: proxyPart,
  events: eventsPart,
} as const

/** A hit costs less than 1 µs and a change less than 1 ms with 100 000 routes. */
const MOST_ROUTES = 100_000
const HIT_NS = 1000
const CHANGE_US = 1000

async function tablePart(): Promise<Outcome> {
  // Before anything else, so that the cold one is cold.
  const registration = benchRegistration()
  const data = benchTable()
  const targetOf = ({ routes, router, hitNs, addUs, removeUs }: TableRow): Target | undefined =>
    router === 'hydra table' && routes === MOST_ROUTES
      ? {
          text: 'hit < 1 µs, change < 1 ms',
          isMet: hitNs < HIT_NS && addUs < CHANGE_US && removeUs < CHANGE_US,
        }
      : undefined
  return {
    title: 'Routing table beside find-my-way and rou3',
    columns: ['routes', 'router', 'ns/hit', 'ns/miss', 'what is changed', 'µs/add', 'µs/remove', 'heap KiB'],
    rows: data.map((row) => ({
      cells: [
        grouped(row.routes),
        row.router,
        row.hitNs.toFixed(0),
        row.missNs.toFixed(0),
        row.change,
        row.addUs.toFixed(1),
        row.removeUs.toFixed(1),
        row.heapBytes === undefined ? '–' : grouped(Math.round(row.heapBytes / 1024)),
      ],
      ...withTarget(targetOf(row)),
    })),
    notes: [
      'Ours makes a new table at each change, so that no request sees half of it; the others change in place.',
      `Patterns and table of one service with 5 000 files: ${registration.coldMs.toFixed(1)} ms cold, ${registration.medianMs.toFixed(1)} ms later.`,
    ],
    data: { rows: data, registration },
  }
}

/** Looking for tags may not be what a page waits for. */
const SCANNED_MB_PER_S = 200

async function scannerPart(): Promise<Outcome> {
  const data = benchScanner()
  const targetOf = ({ page, megabytesPerSecond }: ScanRow): Target | undefined =>
    page === 'shop list'
      ? { text: `≥ ${SCANNED_MB_PER_S} MB/s`, isMet: megabytesPerSecond >= SCANNED_MB_PER_S }
      : undefined
  return {
    title: 'Fragment tags looked for in a page of 100 KB',
    columns: ['page', 'bytes in a piece', 'CPU µs/page', 'MB/s', 'best MB/s'],
    rows: data.map((row) => ({
      cells: [
        row.page,
        grouped(row.pieceBytes),
        row.microsPerPage.toFixed(0),
        row.megabytesPerSecond.toFixed(0),
        row.bestMegabytesPerSecond.toFixed(0),
      ],
      ...withTarget(targetOf(row)),
    })),
    notes: [
      'Only “shop list with fragments” has such tags. The table of short cells has a tag every 7 bytes.',
    ],
    data,
  }
}

/** Knowing who a request comes from may not be what it waits for. */
const KNOWN_CHECKS_PER_S = 100_000
const NEW_CHECKS_PER_S = 5000

async function identityPart(): Promise<Outcome> {
  const data = await benchTokens()
  const targetOf = ({ isKnown, checksPerSecond }: TokenRow): Target => {
    const least = isKnown ? KNOWN_CHECKS_PER_S : NEW_CHECKS_PER_S
    return { text: `≥ ${grouped(least)} /s`, isMet: checksPerSecond >= least }
  }
  return {
    title: 'Login tokens verified, on one core',
    columns: ['token', 'bytes', 'CPU µs/check', 'checks/s'],
    rows: data.map((row) => ({
      cells: [
        row.what,
        grouped(row.tokenBytes),
        row.microsPerCheck.toFixed(row.isKnown ? 2 : 0),
        grouped(Math.round(row.checksPerSecond)),
      ],
      target: targetOf(row),
    })),
    notes: [
      'CPU of all threads. The signature is checked beside the event loop, once, however many requests come with a token.',
    ],
    data,
  }
}

async function proxyPart(): Promise<Outcome> {
  const data = await benchProxy()
  return {
    title: 'CPU of one proxied request beside http-proxy-3 and @fastify/http-proxy',
    columns: ['proxy', 'CPU µs/request', 'lowest – highest', 'against http-proxy-3', 'requests/s', 'RSS MiB'],
    rows: data.map(
      ({ proxy, cpuMicros, lowestMicros, highestMicros, ratio, requestsPerSecond, memoryMiB }) => ({
        cells: [
          proxy,
          cpuMicros.toFixed(1),
          `${lowestMicros.toFixed(1)} – ${highestMicros.toFixed(1)}`,
          ratio.toFixed(2),
          grouped(Math.round(requestsPerSecond)),
          memoryMiB.toFixed(0),
        ],
      }),
    ),
    notes: [
      '1 KB answers over 64 kept connections; the median of 5 rounds in turn. The whole comparison, with targets, is `npm run bench:proxy`.',
      'All but “hydra, no log” write a line of log for each request.',
    ],
    data,
  }
}

async function eventsPart(): Promise<Outcome> {
  const data = await benchEvents()
  const rowOf = (row: EventRow): PartRow => {
    const { event, count, p50, p95, p99, max, target } = row
    return {
      cells: [event, String(count), ...[p50, p95, p99, max].map((ms) => ms.toFixed(ms < 100 ? 1 : 0))],
      ...withTarget(
        target && {
          text: `${target.of} ≤ ${grouped(target.atMostMs)} ms`,
          isMet: row[target.of] <= target.atMostMs,
        },
      ),
    }
  }
  const { rows, early, brokenByKills, brokenBySilence } = data
  return {
    title: 'Services come and go, ms',
    columns: ['what', 'events', 'p50', 'p95', 'p99', 'max'],
    rows: rows.map(rowOf),
    notes: [
      `Requests after a registration was answered that did not get 200: ${early}.`,
      `Requests in flight at a kill that got neither the page nor the fallback, but 502: ${brokenByKills}; at a silence: ${brokenBySilence}.`,
    ],
    data,
  }
}

function withTarget(target: Target | undefined): { target?: Target } {
  return target === undefined ? {} : { target }
}

/** 100 000: with a thin gap every three digits. */
function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ' ')
}
