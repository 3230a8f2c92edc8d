/**
 * What was measured under one load, as a table: every proxy, and what ours costs against it.
 *
 * @module
 */
import type { Outcome, PartRow, Target } from '../support/part.ts'
import type { Load } from './loads.ts'
import type { Measured } from './measure.ts'
import { OURS } from './peers.ts'

/** A load without anybody who could be measured has no part. */
export function reportOf(load: Load, measured: readonly Measured[]): Outcome {
  const ours = measured.find(({ peer }) => peer === OURS)
  const there = measured.filter(({ failure }) => failure === undefined)
  return {
    title: load.title,
    columns: [
      'proxy',
      'CPU s/10 000',
      'lowest – highest',
      `${load.unit}/s`,
      'p50 ms',
      'p99 ms',
      'RSS MiB',
      `${OURS} ÷ it`,
    ],
    rows: there.map((each) => rowOf(load, each, ours)),
    notes: measured.flatMap(({ peer, failure }) =>
      failure === undefined ? [] : [`${peer} is left out: ${reasonOf(failure)}`],
    ),
    data: measured.map((each) => ({ ...each, ratio: ours && ratioOf(ours, each) })),
  }
}

/** CPU of one against another: the median of the ratios of the rounds they both have; undefined without any. */
export function ratioOf(one: Measured, other: Measured): number | undefined {
  const rounds = Math.min(one.turns.length, other.turns.length)
  if (rounds === 0) return undefined
  return median(
    Array.from({ length: rounds }, (_, i) => one.turns[i]!.cpuSeconds / other.turns[i]!.cpuSeconds),
  )
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

function rowOf(load: Load, measured: Measured, ours: Measured | undefined): PartRow {
  const { peer, turns, memoryMiB } = measured
  const of = (name: 'cpuSeconds' | 'p50Ms' | 'p99Ms') => median(turns.map((turn) => turn[name]))
  const cpu = turns.map(({ cpuSeconds }) => cpuSeconds)
  const ratio = ours && peer !== OURS ? ratioOf(ours, measured) : undefined
  const target = targetOf(load, peer, ratio)
  return {
    cells: [
      peer,
      short(of('cpuSeconds')),
      `${short(Math.min(...cpu))} – ${short(Math.max(...cpu))}`,
      grouped(Math.round(median(turns.map(({ requests, seconds }) => requests / seconds)))),
      of('p50Ms').toFixed(2),
      of('p99Ms').toFixed(1),
      memoryMiB.toFixed(0),
      ratio === undefined ? '–' : ratio.toFixed(2),
    ],
    ...(target === undefined ? {} : { target }),
  }
}

function targetOf({ targets }: Load, peer: string, ratio: number | undefined): Target | undefined {
  const figures = targets[peer]
  if (!figures || ratio === undefined) return undefined
  const [goal, stretch] = figures
  return {
    text: `≤ ${goal}, stretch ${stretch}`,
    isMet: ratio <= goal,
    ...(ratio <= stretch ? { verdict: 'met, stretch too' } : {}),
  }
}

/** Three digits, whatever the size. */
function short(value: number): string {
  return value < 10 ? value.toFixed(3) : value.toFixed(1)
}

/** 100 000: with a gap every three digits. */
function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ' ')
}

/** What fits in a line; the sentence of a configuration goes on with how to mend it. */
function reasonOf(failure: string): string {
  const line = failure.split(';', 1)[0]!.trim().replace(/\s+/g, ' ')
  return line.length > 160 ? `${line.slice(0, 160)}…` : line
}
