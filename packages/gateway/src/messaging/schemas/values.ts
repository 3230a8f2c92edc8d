/**
 * Values of bodies: when two are the same, how long they are, which names they have. What takes longer the larger a value is
 * costs steps of the check.
 *
 * @module
 */
import { type Run, spend } from './check.ts'

export type Fields = Readonly<Record<string, unknown>>

/** What it costs to write a value down, beside a look at it. */
const WRITTEN_STEPS = 4
/** Characters that are read in one step. */
const CHARACTERS_PER_STEP = 64

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether a value is `one`, whose canonical text is `text`. */
export function isSame(value: unknown, one: unknown, text: string, run: Run): boolean {
  if (typeof value !== 'object' || value === null) return value === one
  return typeof one === 'object' && one !== null && canonical(value, run) === text
}

/** JSON with names in order: equal texts, equal values. */
export function canonical(value: unknown, run?: Run): string {
  if (run) spend(run, WRITTEN_STEPS + (typeof value === 'string' ? value.length / CHARACTERS_PER_STEP : 0))
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item, run)).join()}]`
  if (!isFields(value)) return JSON.stringify(value === 0 ? 0 : value)
  const names = (run ? namesOf(value, run) : Object.keys(value)).sort()
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name], run)}`).join()}}`
}

/** In characters, as JSON Schema counts. */
export function lengthOfText(value: unknown, run: Run): number | undefined {
  if (typeof value !== 'string') return undefined
  spend(run, value.length / CHARACTERS_PER_STEP)
  let length = value.length
  for (let i = 1; i < value.length; i++) {
    const isPair = (value.charCodeAt(i) & 0xfc00) === 0xdc00 && (value.charCodeAt(i - 1) & 0xfc00) === 0xd800
    if (isPair) length--
  }
  return length
}

export function lengthOfArray(value: unknown): number | undefined {
  return Array.isArray(value) ? value.length : undefined
}

export function sizeOfObject(value: unknown, run: Run): number | undefined {
  return isFields(value) ? namesOf(value, run).length : undefined
}

/** Each costs a step: an object with many is slow to list. */
export function namesOf(value: Fields, run: Run): string[] {
  const names = Object.keys(value)
  spend(run, names.length)
  return names
}
