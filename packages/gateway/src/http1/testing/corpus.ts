/**
 * Messages worth keeping: made by hand because they are interesting, or found by the fuzzer and mended since. Each is
 * a JSON file in `test/fuzz/corpus`, named for what it shows.
 *
 * @module
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Case, Verdict } from './verdict.ts'

const FOLDER = join(import.meta.dirname, '../../../../../test/fuzz/corpus')

/** What a file says. */
interface Stored {
  /** Why it is here. */
  readonly note: string
  readonly kind: Case['kind']
  readonly asked?: Case['asked']
  readonly closes?: boolean
  readonly isTight?: boolean
  /** What must come of it; finds of the fuzzer need only agree with llhttp. */
  readonly outcome?: Outcome
  /** The bytes for human eyes; only `base64` is read. */
  readonly text: string
  readonly base64: string
}

export interface Outcome {
  readonly messages: number
  readonly ending: Verdict['ending']
  readonly why: string
}

export interface Kept {
  readonly name: string
  readonly outcome: Outcome | undefined
  readonly tested: Case
}

/** All that is kept, by name. */
export function readCorpus(): Kept[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => {
      const stored = JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Stored
      const tested: Case = {
        kind: stored.kind,
        bytes: Buffer.from(stored.base64, 'base64'),
        asked: stored.asked ?? 'GET',
        closes: stored.closes ?? false,
        isTight: stored.isTight ?? false,
      }
      return { name: basename(file, '.json'), outcome: stored.outcome, tested }
    })
}

/** Keeps a case and returns the file's path. */
export function keep(name: string, note: string, tested: Case, outcome?: Outcome): string {
  const { kind, bytes, asked, closes, isTight } = tested
  const text = bytes.toString('latin1')
  const stored: Stored = {
    note,
    kind,
    ...(asked === 'HEAD' && { asked }),
    ...(closes && { closes }),
    ...(isTight && { isTight }),
    ...(outcome && { outcome }),
    text: text.length > 300 ? `${text.slice(0, 300)}… (${text.length} bytes)` : text,
    base64: bytes.toString('base64'),
  }
  mkdirSync(FOLDER, { recursive: true })
  const file = join(FOLDER, `${name}.json`)
  writeFileSync(file, `${JSON.stringify(stored, undefined, 2)}\n`)
  return file
}

export function outcomeOf({ messages, ending, why }: Verdict): Outcome {
  return { messages: messages.length, ending, why }
}
