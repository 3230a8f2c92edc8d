/**
 * Fragments of one service beside the tags that ask for them: which don't fit together, and who gives way.
 *
 * Pure. Whoever was first keeps what it has. A fragment that came later than a page it would break is refused: it is
 * not asked for at the instances that declare it so, and those that declare it otherwise go on. A tag that came later
 * than the fragment shows its fallback, and the fragment is served to everybody else. Warnings refuse nothing.
 *
 * @module
 */
import type { FragmentConflict, RefDeclaration, UseDeclaration } from '@hydra-gateway/protocol'
import { type Misfit, misfitsOf } from '@hydra-gateway/protocol/fragments'

/** A tag, as instances of a service declare it. */
export interface Use {
  /** Service whose page has it. */
  readonly page: string
  /** Place in the line: a lower one was first. */
  readonly since: number
  readonly declared: UseDeclaration
}

/** A fragment, as some instances of a service declare it; others may declare it otherwise. */
export interface Offer {
  readonly since: number
  readonly declared: RefDeclaration
  readonly instances: readonly string[]
}

export interface Judgement {
  /** Conflicts, then warnings; the first `MOST_LISTED`. */
  readonly conflicts: readonly FragmentConflict[]
  /** Those beyond. */
  readonly more: number
  /** Offers that are not served, with the reason. */
  readonly refused: ReadonlyMap<Offer, string>
}

/** Conflicts of one service that are kept: a person mends them one by one. */
export const MOST_LISTED = 1000
/** What doesn't fit about one tag is told in as many sentences. */
const MOST_SENTENCES = 3

/** Judges all fragments of a service. `usesOf`: the tags that ask for one. */
export function judge(offers: Iterable<Offer>, usesOf: (ref: string) => Iterable<Use>): Judgement {
  const refused = new Map<Offer, string>()
  const serious: FragmentConflict[] = []
  const warnings: FragmentConflict[] = []
  let more = 0
  const list = (into: FragmentConflict[], conflict: FragmentConflict): void => {
    if (into.length < MOST_LISTED) into.push(conflict)
    else more++
  }
  for (const offer of offers) {
    const misfits = [...usesOf(offer.declared.ref)].flatMap((use) => {
      const found = compare(use.declared, offer.declared)
      return found.length === 0 ? [] : [{ use, found }]
    })
    const breaks = misfits.filter(({ found }) => !found[0]!.isWarning)
    const broken = breaks.filter(({ use }) => use.since < offer.since)
    const [first] = broken.toSorted((a, b) => a.use.since - b.use.since)
    if (first) refused.set(offer, reasonOf(first.use, conflictsIn(first.found)))
    // A fragment that is not served is in nobody else's way.
    for (const { use, found } of first ? broken : breaks)
      list(serious, conflictOf(use, offer, conflictsIn(found), first ? 'ref' : 'use'))
    for (const { use, found } of first ? [] : misfits)
      for (const misfit of found)
        if (misfit.isWarning) list(warnings, conflictOf(use, offer, [misfit], 'none'))
  }
  const conflicts = [...serious, ...warnings]
  more += Math.max(0, conflicts.length - MOST_LISTED)
  return { conflicts: conflicts.slice(0, MOST_LISTED), more, refused }
}

const conflictsIn = (found: readonly Misfit[]): readonly Misfit[] =>
  found.filter(({ isWarning }) => !isWarning)

function conflictOf(
  use: Use,
  { declared: { ref }, instances }: Offer,
  misfits: readonly Misfit[],
  refused: FragmentConflict['refused'],
): FragmentConflict {
  const { place, service } = use.declared
  return {
    kind: misfits[0]!.kind,
    page: use.page,
    place,
    service,
    ref,
    refused,
    ...(refused === 'ref' ? { instances: [...instances] } : {}),
    reason: reasonOf(use, misfits),
  }
}

function reasonOf({ page }: Use, misfits: readonly Misfit[]): string {
  const told = misfits.slice(0, MOST_SENTENCES).map(({ sentence }) => sentence)
  if (misfits.length > told.length) told.push(`and ${misfits.length - told.length} more of this kind`)
  return `in a page of ${page}, ${told.join('; ')}`
}

/** Declarations are shared and never change: each pair of them is compared once. */
const compared = new WeakMap<UseDeclaration, WeakMap<RefDeclaration, readonly Misfit[]>>()

function compare(use: UseDeclaration, declared: RefDeclaration): readonly Misfit[] {
  let known = compared.get(use)
  if (!known) {
    known = new WeakMap()
    compared.set(use, known)
  }
  let misfits = known.get(declared)
  if (!misfits) {
    misfits = misfitsOf(use, declared)
    known.set(declared, misfits)
  }
  return misfits
}
