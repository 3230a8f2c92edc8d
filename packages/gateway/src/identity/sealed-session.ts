/**
 * A session as it is sealed into its cookie, and what of it decides whether it goes on.
 *
 * @module
 */
import { z } from 'zod'
import { identityKey, identitySchema, revocableKeys } from './identities.ts'
import type { Identity, Session } from './port.ts'
import { sessionHashOf } from './provider-session.ts'
import { SESSION_ID, startOf } from './session-id.ts'

const sealed = z.object({
  v: z.literal(1),
  sid: z.string().regex(SESSION_ID),
  seenAt: z.number(),
  endsAt: z.number(),
  identities: z.array(identitySchema).min(1),
})

/** What is sealed of a session. */
export function sealable({ sid, seenAt, endsAt, identities }: Session): unknown {
  return { v: 1, sid, seenAt, endsAt, identities }
}

/** The session in what was opened; undefined when it is of another form, as an older or newer gateway may have. */
export function readSealed(data: unknown): Session | undefined {
  const { success, data: read } = sealed.safeParse(data)
  if (!success) return undefined
  const { v: _, ...session } = read
  return { ...session, startedAt: startOf(session.sid)! }
}

/** An identity as links keep it: they outlast the session at the provider. */
export function linkable({ providerSession: _, ...identity }: Identity): { key: string; data: Identity } {
  return { key: identityKey(identity), data: identity }
}

/** The identity of a link; undefined when it is of another form. */
export function readLinked(data: unknown): Identity | undefined {
  return identitySchema.safeParse(data).data
}

/** A session as its tokens tell of it. `idleMs`: it ends then unless it is renewed. */
export function toldByTokens(session: Session, idleMs: number) {
  const { sid, startedAt, seenAt, endsAt, identities } = session
  return {
    ...{ sid, startedAt, identities },
    // Tokens count in seconds.
    sessionEndsAt: Math.floor(Math.min(seenAt + idleMs, endsAt) / 1000) * 1000,
    providers: [...new Set(identities.map(({ provider }) => provider))],
    revocableAs: revocableAs(session),
  }
}

/** Under these keys a revocation ends a session. */
export function revocableAs({ sid, identities }: Pick<Session, 'sid' | 'identities'>): readonly string[] {
  const hashes = identities.flatMap((each) => sessionHashOf(each) ?? [])
  return revocableKeys(sid, identities, hashes)
}
