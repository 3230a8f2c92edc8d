/**
 * What was measured as two tables: many pages, and pages of which one fragment takes its time.
 *
 * @module
 */
import { compare, leftOut, type Targets } from '../support/comparison.ts'
import type { Outcome, PartRow } from '../support/part.ts'
import { CONNECTIONS, type MeasuredPages, type Slow } from './measure.ts'
import { SLOW_MS } from './page.ts'
import { OURS } from './peers.ts'

const TARGETS: Targets = {
  nginx: [1.7, 1.3],
  varnish: [0.33, 0.22],
  podium: [0.25, 0.17],
  tailorx: [0.33, 0.22],
}

/** What composing may cost beside waiting: the page's head, and the page. */
const HEAD_MS = 5
const BEYOND_MS = 5

const ours = OURS.map(({ name }) => name)

export function reportPages({ pages }: MeasuredPages): Outcome {
  const outcome = compare(
    {
      title: `A page of four fragments from four services, ${CONNECTIONS} visitors at a time`,
      what: 'composer',
      unit: 'pages',
      // Seconds for 10 000 are tenths of a millisecond for one.
      cpu: { column: 'CPU ms/page', factor: 0.1 },
      ours,
      targets: TARGETS,
    },
    pages,
  )
  return {
    ...outcome,
    notes: [
      `The targets are for ${ours[0]}, whose services answer over HTTP as those of the others do.`,
      'hydra-sdk is gateway and service together; podium and hydra-sdk have the page themselves, the others ask a service for it.',
      ...outcome.notes,
    ],
  }
}

export function reportSlow({ slow, directMs, pages }: MeasuredPages): Outcome {
  return {
    title: `The same page one at a time, its second fragment takes ${SLOW_MS} ms`,
    columns: ['composer', 'head ms p50', 'p95', 'max', 'page ms p50', 'p95', 'max', 'beyond the fragment'],
    rows: slow.map(rowOf),
    notes: [
      'Head: last byte of the page’s own head at the visitor, after the page left its service; for podium and hydra-sdk after it was asked for.',
      `Beyond: the median page without the median of the slow fragment asked for directly, ${directMs.toFixed(2)} ms.`,
      ...leftOut(pages),
    ],
    data: { slow, directMs },
  }
}

function rowOf({ peer, headMs, totalMs, beyondMs }: Slow): PartRow {
  const cells = [
    peer,
    ...[headMs.p50, headMs.p95, headMs.max].map((ms) => ms.toFixed(2)),
    ...[totalMs.p50, totalMs.p95, totalMs.max].map((ms) => ms.toFixed(1)),
    beyondMs.toFixed(2),
  ]
  if (!ours.includes(peer)) return { cells }
  return {
    cells,
    target: {
      text: `head p95 < ${HEAD_MS} ms, beyond ≤ ${BEYOND_MS} ms`,
      isMet: headMs.p95 < HEAD_MS && beyondMs <= BEYOND_MS,
    },
  }
}
