/**
 * What a registration says of fragments: those it renders, those its pages ask for.
 *
 * Pure. Siblings say the same thing: the registry keeps one of these for all of them, known by its hash.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import type { RefDeclaration, Registration, UseDeclaration } from '@hydra-gateway/protocol'
import { accessOf, FOR_EVERYBODY } from '../routing/access.ts'
import type { Access } from '../routing/route.ts'
import { type Refusal, usualAccess } from './declaration.ts'

export interface FragmentFacts {
  /** Equal for registrations that say the same; empty for those that say nothing. */
  readonly hash: string
  /** By ref, each with whom it is for, what was said for the whole service filled in; undefined when the service doesn't say what it renders, as Medusa's applications. */
  readonly refs: ReadonlyMap<string, RefDeclaration> | undefined
  /** Whom those are for that `refs` doesn't name. */
  readonly access: Access
  readonly uses: readonly UseDeclaration[]
  /** Declared fragments that are left out. */
  readonly refused: readonly Refusal[]
}

const NO_REFS: ReadonlyMap<string, RefDeclaration> = new Map()
const NOTHING_KNOWN: FragmentFacts = Object.freeze({
  hash: '',
  refs: undefined,
  access: FOR_EVERYBODY,
  uses: [],
  refused: [],
})
const NOTHING_RENDERED: FragmentFacts = Object.freeze({
  ...NOTHING_KNOWN,
  refs: NO_REFS,
})

type Declared = Pick<Registration, 'protocol' | 'refs' | 'uses' | 'auth' | 'roles' | 'providers'>

/** Equal for registrations that say the same of fragments; empty for those that say nothing. */
export function fragmentHash(declaration: Declared): string {
  const { protocol, refs, uses } = declaration
  const access = usualAccess(declaration)
  const isForSome = access !== FOR_EVERYBODY
  if (refs.length === 0 && uses.length === 0 && !isForSome) return ''
  const declared = JSON.stringify([protocol === 1, refs, uses, ...(isForSome ? [access] : [])])
  return createHash('sha256').update(declared).digest('hex').slice(0, 32)
}

/** What a registration says of fragments. `hash`, when it is known already, is that of `fragmentHash`. */
export function fragmentFactsOf(registration: Declared, hash = fragmentHash(registration)): FragmentFacts {
  const { protocol, refs: declared, uses } = registration
  const isOurs = protocol === 1
  if (hash === '') return isOurs ? NOTHING_RENDERED : NOTHING_KNOWN
  const usual = usualAccess(registration)
  // Its routes say so, and nothing of it is taken.
  if (typeof usual === 'string') return NOTHING_RENDERED
  const refs = new Map<string, RefDeclaration>()
  const refused: Refusal[] = []
  for (const one of declared) {
    const { auth, roles, providers, ...rest } = one
    const access = accessOf({ auth, roles, providers }, usual)
    if (typeof access === 'string') refused.push({ path: fragmentPath(one.ref), reason: access })
    else if (refs.has(one.ref)) {
      const reason = `it is declared twice; the first counts. Give one of the two another ref`
      refused.push({ path: fragmentPath(one.ref), reason })
    } else refs.set(one.ref, Object.freeze({ ...rest, ...access } as RefDeclaration))
  }
  // Who speaks our additions lists all it renders; of others we know what they say, or nothing.
  const isSaid = isOurs || refs.size > 0
  return Object.freeze({ hash, refs: isSaid ? refs : undefined, access: usual, uses, refused })
}

/** What a fragment is called among the paths that are not served. */
export function fragmentPath(ref: string): string {
  return `fragment ${ref}`
}
