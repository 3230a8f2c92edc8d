/**
 * What is said about a tag that is read: where, and a sentence; and the mistakes that are likely in any of our tags.
 *
 * @module
 */
import { nearest } from '../nearest.ts'
import type { TagAttribute } from './attributes.ts'
import type { Position } from './model.ts'
import { positionIn } from './position.ts'

/** Something about a tag: where, and a sentence. */
export interface TagNote {
  readonly at: Position
  readonly sentence: string
}

export interface TagNotes {
  /** `index`: in the text of the tag. */
  fail(index: number, sentence: string): void
  warn(index: number, sentence: string): void
  /** All of it, those with the earliest place first. */
  take(): { readonly faults: readonly TagNote[]; readonly warnings: readonly TagNote[] }
}

/** Gathers notes about a tag whose text begins at `start`. */
export function createNotes(text: string, start: Position): TagNotes {
  const found: { readonly index: number; readonly sentence: string; readonly isFault: boolean }[] = []
  return {
    fail: (index, sentence) => void found.push({ index, sentence, isFault: true }),
    warn: (index, sentence) => void found.push({ index, sentence, isFault: false }),
    take() {
      found.sort((one, other) => one.index - other.index)
      const faults: TagNote[] = []
      const warnings: TagNote[] = []
      // Each is counted from the one before: a tag may have as many notes as it has letters.
      let seen = { index: 0, at: start }
      for (const { index, sentence, isFault } of found) {
        seen = { index, at: positionIn(text, index, seen.at, seen.index) }
        const notes = isFault ? faults : warnings
        notes.push({ at: seen.at, sentence })
      }
      return { faults, warnings }
    },
  }
}

/** What elements have anyway; the name of a namespace may be anything. */
const OF_ANY_ELEMENT = /^(?:class|id|slot|style|data-.*|xmlns(?::.*)?)$/s
/** A longer name is no slip of a known one, and costs nothing. */
const MOST_SLIP_LENGTH = 16
/** Nor are any looked for in a tag with more attributes than anybody writes. */
const MOST_COMPARED = 64

export interface KnownAttributes {
  readonly known: readonly string[]
  /** Names that mean nothing, with the one that was meant. */
  readonly likelyMeant?: ReadonlyMap<string, string>
}

/** The attributes by name, the first of each; notes say what is likely a mistake in them. */
export function attributesByName(
  attributes: readonly TagAttribute[],
  { known, likelyMeant }: KnownAttributes,
  { warn }: Pick<TagNotes, 'warn'>,
): ReadonlyMap<string, TagAttribute> {
  const byName = new Map<string, TagAttribute>()
  for (const attribute of attributes) {
    const { name, value, isQuoted, nameAt, valueAt } = attribute
    if (byName.has(name)) warn(nameAt, `${name} stands here a second time: only the first one counts`)
    else byName.set(name, attribute)
    const meant = likelyMeant?.get(name)
    if (meant) warn(nameAt, `"${name}" means nothing: write ${meant}="${value ?? ''}"`)
    const slip = meant || byName.size > MOST_COMPARED ? undefined : slipOf(name, known)
    if (slip) warn(nameAt, `"${name}" means nothing; did you mean ${slip}?`)
    if (!isQuoted && value?.endsWith('/')) {
      const rest = value.slice(0, -1)
      warn(
        valueAt,
        `the slash belongs to the value "${value}": write ${name}="${rest}"/> if it closes the tag`,
      )
    }
  }
  return byName
}

/** The attribute somebody meant who wrote another name. */
function slipOf(name: string, known: readonly string[]): string | undefined {
  if (known.includes(name) || name.length > MOST_SLIP_LENGTH || OF_ANY_ELEMENT.test(name)) return undefined
  return nearest(name, known)
}
