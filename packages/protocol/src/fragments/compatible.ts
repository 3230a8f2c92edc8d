/**
 * Whether a tag in a page of one service fits the fragment of another, by what both declared.
 *
 * @module
 */
import { nearest } from '../nearest.ts'
import type { FragmentConflict } from '../overview.ts'
import type { RefDeclaration, UseDeclaration } from '../registration.ts'
import { joined } from './faults.ts'
import { rootOf } from './lists.ts'

export interface Misfit {
  readonly kind: FragmentConflict['kind']
  /** It works in some other way than somebody meant, but it works. */
  readonly isWarning: boolean
  /** The tag's place, what it collides with, and a way out. */
  readonly sentence: string
}

/**
 * Compares a tag with the fragment it asks for. Conflicts come before warnings.
 *
 * `FragmentImportConflict`: it imports something under a name the fragment sets itself; the two can't be served
 * together. Warnings: `FragmentUnusedImport`, a name the fragment doesn't take and never sees;
 * `FragmentUnknownExport`, one it doesn't declare, which is likely to be absent.
 */
export function misfitsOf(use: UseDeclaration, declared: RefDeclaration): Misfit[] {
  const fragment = `fragment "${declared.ref}" of ${use.service}`
  const attributes = new Set(declared.attributes)
  const taken = declared.imports && new Set(declared.imports)
  const conflicts: Misfit[] = []
  const warnings: Misfit[] = []

  for (const name of new Set(use.imports)) {
    if (attributes.has(name)) {
      conflicts.push({
        kind: 'FragmentImportConflict',
        isWarning: false,
        sentence: `${use.place} imports "${name}", which ${fragment} sets itself; write imports="${name} as ${freeName(name, declared)}" in the tag, or give it another name in the fragment`,
      })
    } else if (taken && !taken.has(name)) {
      const meant = nearest(name, taken)
      const wayOut = meant === undefined ? 'take it out' : `write imports="${name} as ${meant}"`
      warnings.push({
        kind: 'FragmentUnusedImport',
        isWarning: true,
        sentence: `${use.place} imports "${name}", which ${fragment} doesn't take; ${wayOut}, or add "${name}" to the fragment's imports`,
      })
    }
  }
  for (const name of new Set(use.exports.map(rootOf))) {
    if (attributes.has(name)) continue
    const meant = nearest(name, attributes)
    // A use doesn't say what the page calls it, which may be another name already.
    const wayOut =
      meant === undefined
        ? 'take it out'
        : `write "${meant}" in its place, or "${meant} as ${name}" if the page calls it "${name}"`
    warnings.push({
      kind: 'FragmentUnknownExport',
      isWarning: true,
      sentence: `${use.place} exports "${name}", which ${fragment} doesn't declare; ${wayOut}, or declare it in the fragment`,
    })
  }
  return [...conflicts, ...warnings]
}

/** A name the fragment takes and doesn't set: one it declared if there is only one that is alike, else a new one. */
function freeName(name: string, { attributes, imports = [] }: RefDeclaration): string {
  const free = imports.filter((candidate) => !attributes.includes(candidate))
  let alias = nearest(name, free) ?? joined('page', name)
  for (let n = 2; attributes.includes(alias); n++) alias = `${joined('page', name)}${n}`
  return alias
}
