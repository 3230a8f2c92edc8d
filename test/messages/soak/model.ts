/**
 * What has to be true of messages whatever was killed: the pure part, which compares what was sent with what was handed
 * over.
 *
 * Each sender numbers what it sends to a client, and sends the next once it knows what became of the one before. A push
 * that was answered well has to be handed over, once and in its place; if it is not, the client was told between its
 * neighbours that something is missing. A push that was refused, or whose sender died, may be there or not, and late (a
 * node that stood still goes on where it was), but never twice.
 *
 * @module
 */

/** What became of a push, by its number. `unknown`: its sender was told that it failed, or died meanwhile. */
export type Pushed = ReadonlyMap<number, 'taken' | 'unknown'>

/** What a client was handed, in order: a message of a sender, or the word that something is missing. */
export type Handed = readonly [sender: string, number: number] | 'flag'

export interface Verdict {
  readonly clients: number
  /** Sentences; each is a broken promise. */
  readonly faults: readonly string[]
  readonly taken: number
  readonly unknown: number
  readonly handed: number
  /** Of those that were taken: not handed over, and the client was told so. */
  readonly told: number
  /** Of those that were taken: not handed over, and the client was not told. */
  readonly missing: number
  readonly twice: number
  readonly reordered: number
  /** Of those of which nobody knew: handed over after the next one. */
  readonly late: number
  readonly flags: number
}

export const NOTHING: Verdict = {
  ...{ faults: [], taken: 0, unknown: 0, handed: 0, told: 0, missing: 0, twice: 0, reordered: 0, late: 0 },
  flags: 0,
  clients: 0,
}

/** Judges one client. `pushed`: by sender. */
export function judge(
  client: string,
  pushed: ReadonlyMap<string, Pushed>,
  handed: readonly Handed[],
): Verdict {
  const faults: string[] = []
  const sum = { ...NOTHING, clients: 1 }
  const flags: number[] = []
  const places = new Map<string, Map<number, number>>()
  for (const [at, one] of handed.entries()) {
    if (one === 'flag') {
      flags.push(at)
      continue
    }
    const [sender, number] = one
    const of = places.get(sender) ?? new Map<number, number>()
    places.set(sender, of)
    sum.handed++
    if (of.has(number)) {
      sum.twice++
      faults.push(`${client} got ${number} of ${sender} twice`)
    } else of.set(number, at)
    if (!pushed.get(sender)?.has(number)) faults.push(`${client} got ${number} of ${sender}: nobody sent it`)
  }
  sum.flags = flags.length
  for (const [sender, numbers] of pushed) {
    const of = places.get(sender) ?? new Map<number, number>()
    let last = -1
    let absent: number[] = []
    const settle = (until: number): void => {
      if (absent.length === 0) return
      const isTold = flags.some((at) => at > last && at < until)
      if (isTold) sum.told += absent.length
      else {
        sum.missing += absent.length
        faults.push(`${client} misses ${span(absent)} of ${sender}, and was not told`)
      }
      absent = []
    }
    for (const [number, fate] of numbers) {
      if (fate === 'taken') sum.taken++
      else sum.unknown++
      const at = of.get(number)
      if (at === undefined) {
        if (fate === 'taken') absent.push(number)
        continue
      }
      // Numbers come in their order here: what stands before one that was seen already came late.
      if (at < last) {
        sum.reordered++
        faults.push(`${client} got ${number} of ${sender} before one that was sent earlier`)
        continue
      }
      if (fate === 'unknown' && isLate(at, number, of, numbers)) {
        sum.late++
        continue
      }
      settle(at)
      last = at
    }
    settle(Number.POSITIVE_INFINITY)
  }
  return { ...sum, faults }
}

/** Whether a later one, of which is known that it was taken, was handed over before. */
function isLate(at: number, number: number, of: ReadonlyMap<number, number>, numbers: Pushed): boolean {
  for (const [other, place] of of)
    if (other > number && place < at && numbers.get(other) === 'taken') return true
  return false
}

/** All clients together. */
export function add(one: Verdict, other: Verdict): Verdict {
  const sum = { ...one, faults: [...one.faults, ...other.faults] } as Record<string, unknown>
  for (const [name, value] of Object.entries(other))
    if (typeof value === 'number') sum[name] = (one[name as keyof Verdict] as number) + value
  return sum as unknown as Verdict
}

/** `4`, or `4 to 9`. */
function span(numbers: readonly number[]): string {
  const [first, last] = [numbers[0]!, numbers.at(-1)!]
  return first === last ? String(first) : `${numbers.length} from ${first} to ${last}`
}
