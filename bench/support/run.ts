/**
 * What every comparison does around its parts: facts, tables on the terminal, files.
 *
 * @module
 */
import { writeFileSync } from 'node:fs'
import type { BenchArguments } from './bench-arguments.ts'
import { fail } from './bench-arguments.ts'
import { formatFacts, readFacts } from './facts.ts'
import { countTargets, formatPart, type Outcome, type Part } from './part.ts'
import { type Place, replaceFigures } from './performance-page.ts'

/** What hangs ends, and everybody it started with it. */
export function endAfter(ms: number): void {
  setTimeout(() => fail(`not done after ${ms / 60_000} min`), ms).unref()
  // The programs of the system are ended at the exit, those of Node end when nobody is there any more.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
}

export interface Step {
  readonly name: string
  /** Resolves with one table, or several. */
  readonly run: () => Promise<readonly Outcome[]>
}

/** Runs the steps one after the other, shows what each found, and writes the files that were asked for. */
export async function runSteps(
  steps: readonly Step[],
  { json, write, page }: BenchArguments,
  { place, remarks }: { readonly place: Place; readonly remarks: readonly string[] },
): Promise<void> {
  const facts = readFacts()
  for (const [name, value] of formatFacts(facts)) console.log(`${name.padEnd(12)} ${value}`)
  for (const remark of remarks) console.log(remark)
  const parts: Part[] = []
  for (const { name, run } of steps) {
    const began = performance.now()
    const outcomes = await run()
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
    const seconds = (performance.now() - began) / 1000 / outcomes.length
    for (const outcome of outcomes) {
      const part = { name, ...outcome, seconds }
      parts.push(part)
      console.log(`\n${formatPart(part)}`)
    }
  }
  const { met, all } = countTargets(parts)
  const seconds = parts.reduce((sum, part) => sum + part.seconds, 0)
  console.log(`\n${met} of ${all} targets met, ${seconds.toFixed(0)} s`)
  if (json !== undefined) {
    const loads = parts.map(({ name, seconds, data }) => ({ name, seconds, data }))
    writeFileSync(json, `${JSON.stringify({ facts, remarks, loads }, undefined, 2)}\n`)
  }
  if (write !== undefined) writeFileSync(write, replaceFigures(page, place, { facts, parts, remarks }))
}
