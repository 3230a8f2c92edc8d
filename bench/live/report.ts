/**
 * What was measured as one table.
 *
 * @module
 */
import type { Outcome, PartRow, Target } from '../support/part.ts'
import type { MeasuredLive } from './measure.ts'

/** Idle pages of one node, and what one of them may take. */
const PAGES = 5000
const ALL_MIB = 60
const PAGE_KIB = 12
/** After a kill every page knows. */
const TOLD_MS = 500

export function reportLive(measured: MeasuredLive): Outcome {
  const { pages, kills, memory, told, last, pushMicros, storm, idleMs } = measured
  const grown = memory.opened - memory.before
  const kibOf = (mib: number): number => (mib * 1024) / pages
  const kib = kibOf(grown)
  const many = grouped(pages)
  const target = (text: string, isMet: boolean): { target: Target } => ({ target: { text, isMet } })
  const rows: PartRow[] = [
    {
      cells: [`memory of ${many} idle pages, MiB`, grown.toFixed(1)],
      ...(pages === PAGES && target(`≤ ${ALL_MIB}`, grown <= ALL_MIB)),
    },
    { cells: ['memory of one idle page, KiB', kib.toFixed(1)], ...target(`≤ ${PAGE_KIB}`, kib <= PAGE_KIB) },
    {
      cells: [
        'memory of one idle page without garbage, KiB',
        kibOf(memory.collected - memory.before).toFixed(1),
      ],
    },
    {
      cells: [
        `memory more after ${kills} deaths, without garbage, MiB`,
        (memory.afterPushes - memory.collected).toFixed(1),
      ],
    },
    { cells: ['kill -9 → told, ms, p50 of all pages', told.p50.toFixed(1)] },
    {
      cells: ['kill -9 → told, ms, p99 of all pages', told.p99.toFixed(1)],
      ...target(`< ${TOLD_MS}`, told.p99 < TOLD_MS),
    },
    { cells: ['kill -9 → told, ms, last page, worst death', last.max.toFixed(1)] },
    { cells: ['CPU of one page told once, µs', pushMicros.toFixed(1)] },
    { cells: [`CPU of ${many} pages while nothing happens, ms/s`, idleMs.toFixed(1)] },
    {
      cells: [
        `${grouped(storm.pages)} pages come back at once, ms until all are up to date`,
        storm.ms.toFixed(0),
      ],
    },
    { cells: ['CPU of one page that comes back, µs', storm.micros.toFixed(0)] },
  ]
  return {
    title: `${many} open pages of one node`,
    columns: ['what', 'figure'],
    rows,
    notes: [
      `Memory is the resident set of the gateway. Before the pages came it was ${memory.before.toFixed(0)} MiB, without garbage, so that they could not settle where it lay; what opening them left behind is counted as theirs.`,
      'From the kill of a service that has a channel to the bytes at the page; all pages show the same menu of twelve items.',
      'Pages that come back know the state they had, and are sent none.',
    ],
    data: measured,
  }
}

/** 100 000: with a thin gap every three digits. */
function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ' ')
}
