/**
 * What a registration says of fragments: those it renders, those its pages ask for.
 *
 * Pure. Siblings say the same thing: the registry keeps one of these for all of them, known by its hash.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import type { RefDeclaration, Registration, UseDeclaration } from '@hydra-gateway/protocol'
import type { Refusal } from './declaration.ts'

export interface FragmentFacts {
  /** Equal for registrations that say the same; empty for those that say nothing. */
  readonly hash: string
  /** By ref; undefined when the service doesn't say what it renders, as Medusa's applications. */
  readonly refs: ReadonlyMap<string, RefDeclaration> | undefined
  readonly uses: readonly UseDeclaration[]
  /** Declared fragments that are left out. */
  readonly refused: readonly Refusal[]
}

const NO_REFS: ReadonlyMap<string, RefDeclaration> = new Map()
const NOTHING_KNOWN: FragmentFacts = Object.freeze({ hash: '', refs: undefined, uses: [], refused: [] })
const NOTHING_RENDERED: FragmentFacts = Object.freeze({ hash: '', refs: NO_REFS, uses: [], refused: [] })

type Declared = Pick<Registration, 'protocol' | 'refs' | 'uses'>

/** Equal for registrations that say the same of fragments; empty for those that say nothing. */
export function fragmentHash({ protocol, refs, uses }: Declared): string {
  if (refs.length === 0 && uses.length === 0) return ''
  const declared = JSON.stringify([protocol === 1, refs, uses])
  return createHash('sha256').update(declared).digest('hex').slice(0, 32)
}

/** What a registration says of fragments. `hash`, when it is known already, is that of `fragmentHash`. */
export function fragmentFactsOf(registration: Declared, hash = fragmentHash(registration)): FragmentFacts {
  const { protocol, refs: declared, uses } = registration
  const isOurs = protocol === 1
  if (hash === '') return isOurs ? NOTHING_RENDERED : NOTHING_KNOWN
  const refs = new Map<string, RefDeclaration>()
  const refused: Refusal[] = []
  for (const one of declared) {
    if (refs.has(one.ref)) {
      const reason = `it is declared twice; the first counts. Give one of the two another ref`
      refused.push({ path: fragmentPath(one.ref), reason })
    } else refs.set(one.ref, Object.freeze(one))
  }
  // Who speaks our additions lists all it renders; of others we know what they say, or nothing.
  const isSaid = isOurs || refs.size > 0
  return Object.freeze({ hash, refs: isSaid ? refs : undefined, uses, refused })
}

/** What a fragment is called among the paths that are not served. */
export function fragmentPath(ref: string): string {
  return `fragment ${ref}`
}
