/**
 * What one instance answered within the latest so many looks. Counters are read and only ever grow; what is kept is how
 * much between one look and the next. Pure, but for what it remembers.
 *
 * @module
 */
import type { Vitals } from '../routing/vitals.ts'

export type Counts = Readonly<Pick<Vitals, 'answers' | 'faults' | 'slow'>>

/** Sums, added to by several. */
export type Tally = Pick<Vitals, 'answers' | 'faults' | 'slow'>

export interface AnswerWindow {
  /** Takes down what came since the last look, and adds what is in the window to `sum`. */
  look(counts: Counts, sum: Tally): void
  /** Forgets all that was; what comes from now on counts. */
  begin(counts: Counts): void
}

/** Numbers per look. */
const WIDTH = 3

/** Begins with counters at zero: what a new instance did before the first look counts. */
export function createAnswerWindow(looks: number): AnswerWindow {
  let seen: Counts = { answers: 0, faults: 0, slow: 0 }
  /** Made when there is something to keep: most of many instances are idle. */
  let parts: Uint32Array | undefined
  let at = 0
  let idleLooks = 0

  const begin = ({ answers, faults, slow }: Counts): void => {
    seen = { answers, faults, slow }
    parts = undefined
  }
  return {
    begin,
    look(counts, sum) {
      // Whoever was forgotten and came back counts from zero.
      if (counts.answers < seen.answers || counts.faults < seen.faults || counts.slow < seen.slow)
        seen = { answers: 0, faults: 0, slow: 0 }
      const answers = counts.answers - seen.answers
      const faults = counts.faults - seen.faults
      const slow = counts.slow - seen.slow
      idleLooks = answers + faults + slow > 0 ? 0 : idleLooks + 1
      if (idleLooks >= looks) parts = undefined
      if (idleLooks === 0) {
        seen = { answers: counts.answers, faults: counts.faults, slow: counts.slow }
        parts ??= new Uint32Array(looks * WIDTH)
      }
      if (!parts) return
      at = (at + WIDTH) % parts.length
      parts[at] = answers
      parts[at + 1] = faults
      parts[at + 2] = slow
      for (let i = 0; i < parts.length; i += WIDTH) {
        sum.answers += parts[i]!
        sum.faults += parts[i + 1]!
        sum.slow += parts[i + 2]!
      }
    },
  }
}
