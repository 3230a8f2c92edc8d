/**
 * What was measured under one load, as a table: every proxy, and what ours costs against it.
 *
 * @module
 */
import { compare } from '../support/comparison.ts'
import type { Outcome } from '../support/part.ts'
import type { Measured } from '../support/rounds.ts'
import type { Load } from './loads.ts'
import { OURS } from './peers.ts'

export function reportOf({ title, unit, targets }: Load, measured: readonly Measured[]): Outcome {
  const cpu = { column: 'CPU s/10 000', factor: 1 }
  return compare({ title, what: 'proxy', unit, cpu, ours: [OURS], targets }, measured)
}
