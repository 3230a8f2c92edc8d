/**
 * What operators see and do about who is signed in: sessions, their ends, the keys that sign, users.
 *
 * Plain functions to JSON; who may call is decided before (`control/`). Nothing here tells a token, a password or the
 * hash of one.
 *
 * @module
 */
import type {
  RevocationsAnswer,
  RevokeAnswer,
  SessionsAnswer,
  SigningKeysAnswer,
  UserAnswer,
  UsersAnswer,
} from '@hydra-gateway/protocol'
import { z } from 'zod'
import { HydraError } from '../errors.ts'
import type { KeyRing, Revocations } from '../identity/port.ts'
import type { SessionBook } from '../identity/session-book.ts'
import { SESSION_ID } from '../identity/session-id.ts'
import { createUserDesk } from '../identity/user-desk.ts'
import type { Log } from '../observe/log.ts'
import type { IdentityStore } from '../store/identity/port.ts'

export interface IdentityAdminDeps {
  readonly store: Pick<IdentityStore, 'users' | 'isLasting'>
  readonly revocations: Pick<Revocations, 'revoke' | 'list'>
  readonly book: Pick<SessionBook, 'list'>
  readonly ring: Pick<KeyRing, 'list' | 'rotate' | 'warnings'>
  /** PHC string of a password. */
  readonly hash: (password: string) => Promise<string>
  /** Whether the configuration has a user of that name. */
  readonly isConfigured: (username: string) => boolean
  readonly log: Pick<Log, 'info'>
}

/** All throw HydraError for what can't be done. Bodies and parameters are checked here. */
export interface IdentityAdmin {
  sessions(query: URLSearchParams): SessionsAnswer
  endSession(sid: string): Promise<RevokeAnswer>
  /** `{ user, reason? }` or `{ session, reason? }` */
  revoke(body: unknown): Promise<RevokeAnswer>
  revocations(): RevocationsAnswer
  keys(): SigningKeysAnswer
  rotateKeys(): Promise<SigningKeysAnswer>
  users(): Promise<UsersAnswer>
  addUser(body: unknown): Promise<UserAnswer>
  changeUser(username: string, body: unknown): Promise<UserAnswer>
  removeUser(username: string): Promise<UserAnswer>
}

const MOST_LISTED = 1000
const REASON = 'ended by an operator'

const reason = z.string().trim().min(1).max(200).default(REASON)
const revocation = z.union([
  z.strictObject({ user: z.string().min(1).max(512), reason }),
  z.strictObject({ session: z.string().regex(SESSION_ID), reason }),
])
const paging = z.object({
  user: z.string().min(1).max(512).optional(),
  limit: z.coerce.number().int().min(1).max(MOST_LISTED).default(100),
  after: z.string().regex(SESSION_ID).optional(),
})

export function createIdentityAdmin(deps: IdentityAdminDeps): IdentityAdmin {
  const { store, revocations, book, ring, hash, isConfigured, log } = deps
  const desk = createUserDesk({
    users: store.users,
    hash,
    revoke: (key, why) => revocations.revoke('user', key, why),
    isConfigured,
  })
  /** Users that a restart would take away again are no use to anybody. */
  const mustLast = (): void => {
    if (store.isLasting) return
    throw new HydraError(
      'HYDRA_CONFLICT',
      'users stand in the configuration alone, as there is no identity database; set identity.database',
    )
  }
  const end = async (kind: 'session' | 'user', key: string, why: string): Promise<RevokeAnswer> => {
    const revoked = await revocations.revoke(kind, key, why)
    log.info({ kind, key, reason: why }, kind === 'session' ? 'session ended' : 'sessions of a user ended')
    return { revoked }
  }
  const keys = (): SigningKeysAnswer => ({ keys: ring.list(), warnings: ring.warnings })

  return {
    sessions(query) {
      const { success, data } = paging.safeParse(Object.fromEntries(query))
      if (!success) {
        throw new HydraError(
          'HYDRA_BAD_REQUEST',
          `user is a user name or provider:subject, limit 1 to ${MOST_LISTED}, after what next of a page before said`,
        )
      }
      const { user, after, limit } = data
      const page = book.list({
        limit,
        ...(user === undefined ? {} : { user }),
        ...(after === undefined ? {} : { after }),
      })
      return {
        sessions: page.sessions.map(({ address, ...session }) => ({
          ...session,
          ...(address === undefined ? {} : { address }),
        })),
        total: page.total,
        ...(page.next === undefined ? {} : { next: page.next }),
      }
    },
    async endSession(sid) {
      if (!SESSION_ID.test(sid)) throw new HydraError('HYDRA_BAD_REQUEST', 'that is not the id of a session')
      return end('session', sid, REASON)
    },
    async revoke(body) {
      const { success, data } = revocation.safeParse(body)
      if (!success) {
        throw new HydraError(
          'HYDRA_BAD_REQUEST',
          'send { "user": a user name or provider:subject } or { "session": its id }, and a "reason" of at most 200 characters if you like',
        )
      }
      return 'user' in data
        ? end('user', data.user.normalize('NFC'), data.reason)
        : end('session', data.session, data.reason)
    },
    revocations() {
      const all = revocations.list()
      const more = all.length - MOST_LISTED
      return { revocations: all.slice(-MOST_LISTED).reverse(), ...(more > 0 ? { more } : {}) }
    },
    keys,
    async rotateKeys() {
      const { kid } = await ring.rotate()
      log.info({ kid }, 'an operator had the signing keys rotated')
      return keys()
    },
    async users() {
      mustLast()
      return { users: await desk.list() }
    },
    async addUser(body) {
      mustLast()
      const user = await desk.add(body)
      log.info({ user: user.username }, 'user added')
      return { user }
    },
    async changeUser(username, body) {
      mustLast()
      const user = await desk.change(username, body)
      log.info({ user: user.username, changed: Object.keys(body as object) }, 'user changed')
      return { user }
    },
    async removeUser(username) {
      mustLast()
      const user = await desk.remove(username)
      log.info({ user: user.username }, 'user removed')
      return { user }
    },
  }
}
