/**
 * What was measured as one table.
 *
 * @module
 */
import type { Outcome, PartRow } from '../support/part.ts'
import type { Percentiles } from '../support/percentiles.ts'
import type { MeasuredMenus } from './measure.ts'

/** After a kill every tab shows it. */
const OFF_MS = 500

export function reportMenus(measured: MeasuredMenus): Outcome {
  const { tabs, kills, off, last, ended, on, streams } = measured
  const row = (what: string, { p50, p95, p99, max }: Percentiles): PartRow => ({
    cells: [what, ...[p50, p95, p99, max].map((ms) => ms.toFixed(0))],
  })
  const target = { text: `p99 < ${OFF_MS} ms`, isMet: off.p99 < OFF_MS }
  return {
    title: `${kills} deaths in ${tabs} tabs of a browser`,
    columns: ['what', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms'],
    rows: [
      { ...row('kill -9 → link disabled, each tab', off), target },
      row('kill -9 → link disabled, last tab', last),
      row('of that, until the process is gone', ended),
      row('registered again → link enabled, each tab', on),
    ],
    notes: [
      'From the kill of a service that has a channel to the change in the page, as an observer of it sees it; clock of the machine, whole milliseconds.',
      `The tabs of the browser had ${streams === 1 ? 'one stream' : `${streams} streams`} together.`,
    ],
    data: measured,
  }
}
