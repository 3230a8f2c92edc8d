/**
 * A session as it is sealed into its cookie, and what of it decides whether it goes on.
 *
 * @module
 */
import { z } from 'zod'
import type { Identity, Session } from './port.ts'
import { sessionHashOf } from './provider-session.ts'
import { identityKey, startOf } from './token-claims.ts'

const identity = z.object({
  provider: z.string().min(1),
  subject: z.string().min(1),
  username: z.string(),
  userId: z.number().nullable(),
  roles: z.array(z.string()),
  claims: z.record(z.string(), z.unknown()),
  providerSession: z.string().optional(),
})

const sealed = z.object({
  v: z.literal(1),
  sid: z.string().regex(/^[0-9a-z]{1,9}-[\w-]{22}$/),
  seenAt: z.number(),
  endsAt: z.number(),
  identities: z.array(identity).min(1),
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
  return { ...session, startedAt: startOf(session.sid), identities: session.identities as Identity[] }
}

/** An identity as links keep it: they outlast the session at the provider. */
export function linkable({ providerSession: _, ...identity }: Identity): { key: string; data: Identity } {
  return { key: identityKey(identity), data: identity }
}

/** The identity of a link; undefined when it is of another form. */
export function readLinked(data: unknown): Identity | undefined {
  const { success, data: read } = identity.safeParse(data)
  return success ? (read as Identity) : undefined
}

/** Under these keys a revocation ends a session. */
export function revocableAs({ sid, identities }: Pick<Session, 'sid' | 'identities'>): string[] {
  return [
    `session:${sid}`,
    ...identities.flatMap((each) => {
      const hash = sessionHashOf(each)
      return [
        `user:${identityKey(each)}`,
        `user:${each.username}`,
        ...(hash === undefined ? [] : [`provider-session:${hash}`]),
      ]
    }),
  ]
}
