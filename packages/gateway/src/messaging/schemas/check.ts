/**
 * One check of a body under way: what it may still cost, where it is, and what it found. A body may be anybody's, so every
 * look at it is a step, and there are so many.
 *
 * @module
 */

export interface Run {
  /** Taken so far. */
  steps: number
  depth: number
  /** Steps it may take. */
  readonly most: number
  /** Faults that are gathered; it ends with the last of them. */
  readonly mostFaults: number
  /** Undefined while only yes or no is asked. */
  faults: string[] | undefined
  /** Names and positions on the way to the value that is looked at. */
  readonly place: (string | number)[]
}

/** Whether a value fits; what does not is noted in the run. Throws TooMuch. */
export type Check = (value: unknown, run: Run) => boolean

/** To look at one more item, name or value of a list. */
export const LOOK_STEPS = 0.25
/** How deep a body, and the schemas it is asked about, may be nested. */
const MOST_NESTED = 256
/** Of a place that is named. */
const MOST_PLACE = 200

/** It takes more steps than it may. */
export class TooMuch extends Error {}

/** @throws TooMuch */
export function spend(run: Run, steps: number): void {
  run.steps += steps
  if (run.steps > run.most) throw new TooMuch()
}

/** All have to hold. Counts the step, and how deep it goes. */
export function all(checks: readonly Check[]): Check {
  return (value, run) => {
    if (++run.steps > run.most || ++run.depth > MOST_NESTED) throw new TooMuch()
    let fits = true
    for (const check of checks) {
      if (check(value, run)) continue
      fits = false
      if (run.faults === undefined || run.faults.length >= run.mostFaults) break
    }
    run.depth--
    return fits
  }
}

/** Notes what is wrong where the run is, or with a name below that. False: it does not fit. */
export function fault(run: Run, words: string, below?: string): false {
  const { faults, place } = run
  if (faults && faults.length < run.mostFaults) {
    const at = [...place, ...(below === undefined ? [] : [below])].join('/')
    faults.push(`/${shown(at, MOST_PLACE)}: ${words}`)
  }
  return false
}

/** Looks at part of a value. */
export function below(run: Run, name: string | number, check: Check, value: unknown): boolean {
  run.place.push(name)
  const fits = check(value, run)
  run.place.pop()
  return fits
}

/** Asks without noting what is wrong. */
export function quietly(run: Run, check: Check, value: unknown): boolean {
  const { faults } = run
  spend(run, LOOK_STEPS)
  run.faults = undefined
  const fits = check(value, run)
  run.faults = faults
  return fits
}

/** As `every`, but goes on while faults are gathered. */
export function every<Item>(
  items: readonly Item[],
  run: Run,
  holds: (item: Item, i: number) => boolean,
): boolean {
  let fits = true
  for (let i = 0; i < items.length; i++) {
    spend(run, LOOK_STEPS)
    if (holds(items[i]!, i)) continue
    fits = false
    if (run.faults === undefined || run.faults.length >= run.mostFaults) return false
  }
  return fits
}

/** Text of a schema or a body as a fault may repeat it: no longer than `most` characters. */
export function shown(text: string, most = 60): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`
}
