/**
 * Resume tokens: the secret a client comes back with. Sealed, so that it says nothing to whoever has it, and works at any
 * node, also after the one that gave it is gone.
 *
 * @module
 */
import { type Owner, readOwner, writeOwner } from '../owner.ts'
import type { TokenSealer } from './port.ts'

export interface ResumeToken {
  readonly id: string
  readonly owner: Owner | undefined
}

/** Longer is none of ours. */
const MOST_LENGTH = 16_384

export interface ResumeTokens {
  write(token: ResumeToken): Promise<string>
  /** Undefined for anything that none of our nodes wrote. */
  read(text: unknown): Promise<ResumeToken | undefined>
}

export function createResumeTokens(sealer: TokenSealer): ResumeTokens {
  return {
    write: ({ id, owner }) => sealer.seal({ id, owner: writeOwner(owner) }),
    async read(text) {
      if (typeof text !== 'string' || text.length > MOST_LENGTH) return undefined
      const said = await sealer.open(text)
      if (typeof said !== 'object' || said === null) return undefined
      const { id, owner } = said as Record<string, unknown>
      if (typeof id !== 'string' || typeof owner !== 'string') return undefined
      return { id, owner: readOwner(owner) }
    },
  }
}
