/**
 * One menu tag, read: `<m:menu name="main">`.
 *
 * @module
 */
import { readAttributes } from './attributes.ts'
import { decodeReferences } from './character-references.ts'
import type { Position } from './model.ts'
import { attributesByName, createNotes, type TagNote } from './tag-notes.ts'

/** What a menu tag says. */
export interface MenuTag {
  readonly name: string
  /** Go over to the element that is put in its place. */
  readonly class: string | undefined
  readonly id: string | undefined
  /** The path that counts as where the visitor is; that of the page when undefined. Empty for nowhere. */
  readonly current: string | undefined
  readonly at: Position
}

/** A tag with whatever is wrong with it. */
export interface LooseMenuTag {
  /** What could be read; `name` is empty where it is missing. */
  readonly tag: MenuTag
  /** Of its name: `m` in `<m:menu …>`. */
  readonly prefix: string
  readonly faults: readonly TagNote[]
  readonly warnings: readonly TagNote[]
}

const KNOWN = ['name', 'class', 'id', 'current']
const MOST_NAME_LENGTH = 128

/** Reads a start tag as the scanner found it, from `<` to `>`. */
export function readMenuTag(text: string, at: Position): LooseMenuTag {
  const notes = createNotes(text, at)
  const { tagName, attributes } = readAttributes(text)
  const byName = attributesByName(attributes, { known: KNOWN }, notes)
  const read = (name: string): string | undefined => {
    const attribute = byName.get(name)
    return attribute && decodeReferences(attribute.value ?? '').text
  }

  const name = (read('name') ?? '').trim()
  const nameAt = byName.get('name')?.nameAt ?? 0
  if (name === '') notes.fail(nameAt, `a menu tag says which menu it wants: write <${tagName} name="main">`)
  else if (name.length > MOST_NAME_LENGTH)
    notes.fail(nameAt, `the name of a menu has at most ${MOST_NAME_LENGTH} characters`)
  const tag = { name, class: read('class'), id: read('id'), current: read('current'), at }
  return { tag, prefix: tagName.slice(0, Math.max(0, tagName.lastIndexOf(':'))), ...notes.take() }
}
