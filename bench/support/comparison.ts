/**
 * What was measured, as a table: everybody, and what ours costs against each.
 *
 * @module
 */
import type { Outcome, PartRow, Target } from './part.ts'
import type { Measured } from './rounds.ts'

/** CPU of ours against a peer's in the same run: the goal, and the stretch. */
export type Targets = Readonly<Record<string, readonly [goal: number, stretch: number]>>

export interface Comparison {
  readonly title: string
  /** Head of the first column. */
  readonly what: string
  /** What is counted. */
  readonly unit: string
  readonly cpu: {
    readonly column: string
    /** From seconds per 10 000 requests to what the column says. */
    readonly factor: number
  }
  /** Ours, each with a column of ratios; the targets are for the first. */
  readonly ours: readonly string[]
  readonly targets: Targets
}

/** Nobody who could be measured has a row. */
export function compare(comparison: Comparison, measured: readonly Measured[]): Outcome {
  const { title, what, unit, cpu } = comparison
  const ours = comparison.ours.flatMap((name) => measured.find(({ peer }) => peer === name) ?? [])
  const there = measured.filter(({ failure }) => failure === undefined)
  return {
    title,
    columns: [
      what,
      cpu.column,
      'lowest – highest',
      `${unit}/s`,
      'p50 ms',
      'p99 ms',
      'RSS MiB',
      ...ours.map(({ peer }) => `${peer} ÷ it`),
    ],
    rows: there.map((each) => rowOf(comparison, each, ours)),
    notes: leftOut(measured),
    data: measured.map((each) => ({
      ...each,
      ratios: Object.fromEntries(ours.map((one) => [one.peer, ratioOf(one, each)])),
    })),
  }
}

/** A sentence for each that failed. */
export function leftOut(measured: readonly Measured[]): string[] {
  return measured.flatMap(({ peer, failure }) =>
    failure === undefined ? [] : [`${peer} is left out: ${reasonOf(failure)}`],
  )
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

function rowOf({ cpu, targets }: Comparison, measured: Measured, ours: readonly Measured[]): PartRow {
  const { peer, turns, memoryMiB } = measured
  const of = (name: 'cpuSeconds' | 'p50Ms' | 'p99Ms') => median(turns.map((turn) => turn[name]))
  const all = turns.map(({ cpuSeconds }) => cpuSeconds)
  const costOf = (seconds: number) => short(seconds * cpu.factor)
  const ratios = ours.map((one) => (one === measured ? undefined : ratioOf(one, measured)))
  const target = targetOf(targets[peer], ratios[0])
  return {
    cells: [
      peer,
      costOf(of('cpuSeconds')),
      `${costOf(Math.min(...all))} – ${costOf(Math.max(...all))}`,
      grouped(Math.round(median(turns.map(({ requests, seconds }) => requests / seconds)))),
      of('p50Ms').toFixed(2),
      of('p99Ms').toFixed(1),
      memoryMiB.toFixed(0),
      ...ratios.map((ratio) => (ratio === undefined ? '–' : ratio.toFixed(2))),
    ],
    ...(target === undefined ? {} : { target }),
  }
}

function targetOf(figures: Targets[string] | undefined, ratio: number | undefined): Target | undefined {
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
