/**
 * Identity as a worker has it: who calls, where they may go, and what services are told of them. The people, the sign-in
 * and the signing keys are the primary's, which says what changes of them.
 *
 * @module
 */
import type { Config } from '../config.ts'
import { refusalOf } from '../identity/access.ts'
import { createForbiddenLog } from '../identity/forbidden-log.ts'
import { createRouteGuard } from '../identity/guard.ts'
import { createKeyRing } from '../identity/key-ring.ts'
import { createLoginHead, type LoginHead } from '../identity/login-head.ts'
import type { RouteOf } from '../identity/other-route.ts'
import { createPathDemands } from '../identity/path-demands.ts'
import { keepPersonal } from '../identity/personal-head.ts'
import { createPolicy } from '../identity/policy.ts'
import { createRevocations } from '../identity/revocations.ts'
import { createSealer } from '../identity/sealing.ts'
import { createServiceTokens } from '../identity/service-tokens.ts'
import { createServiceWishes } from '../identity/service-wishes.ts'
import type { Noted, SessionBook } from '../identity/session-book.ts'
import { createSessionEnds, noticing } from '../identity/session-ends.ts'
import { createAskedLives } from '../identity/session-lives.ts'
import { createSignInAnswers } from '../identity/sign-in-answers.ts'
import { createTokens } from '../identity/tokens.ts'
import type { Cells } from '../lifecycle/cells.ts'
import { setNewest } from '../newest.ts'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Answers } from '../proxy/answers.ts'
import { guardSlice, policySlice, revocationsSlice, sessionCookiesSlice, tokensSlice } from '../slices.ts'
import type { RevocationStore } from '../store/identity/port.ts'
import type { FromWorker, SealedRing, SeenNote, Update } from '../workers/messages.ts'
import type { RequestIdentity } from './data-plane.ts'

export interface WorkerIdentityDeps {
  readonly config: Config
  readonly cells: Pick<Cells, 'onChange'>
  readonly privateKeys: readonly string[]
  /** The signing keys as they are now; undefined where they stand in the configuration. */
  readonly ring: SealedRing | undefined
  readonly answers: Pick<Answers, 'problem'>
  readonly routeOf: RouteOf
  readonly send: (message: Extract<FromWorker, { kind: 'socket' | 'lasts' }>) => void
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
}

export interface WorkerIdentity extends RequestIdentity {
  /** What the primary says is otherwise now. */
  apply(update: Pick<Update, 'ring' | 'revocations' | 'sessions'>): Promise<void>
  /** The primary says until when a session lasts; undefined: nobody can say now. */
  lasts(sid: string, endsAt: number | undefined): void
  /** Sessions that were seen here since the last time. */
  takeSeen(): readonly SeenNote[]
  close(): void
}

/** Sessions whose end is remembered here, and told of at a time. */
const MOST_SESSIONS = 20_000

export async function openWorkerIdentity(deps: WorkerIdentityDeps): Promise<WorkerIdentity> {
  const { config, cells, privateKeys, answers, routeOf, send, clock, log, metrics } = deps
  const { siteTitle, identity } = config
  const cookies = sessionCookiesSlice(config)
  const observed = { clock, log, metrics }
  const sealerFor = (purpose: string) => createSealer(privateKeys, purpose)

  let sealed = deps.ring
  const ring = await createKeyRing({
    // What has to be written is the primary's to write.
    store: { load: async () => sealed, save: async () => false },
    sealer: sealerFor('key ring'),
    given: identity.signingKeys,
    tokenLifeMs: identity.token.life,
    clock,
    log,
  })
  const tokens = createTokens({ ring, sealer: sealerFor('token'), clock, settings: tokensSlice(config) })
  type Since = Awaited<ReturnType<RevocationStore['since']>>
  let fresh: Since['fresh'] = []
  const revocations = createRevocations({
    store: {
      add: async () => {},
      since: async (cursor) => ({ cursor, fresh, isWhole: false }) as unknown as Since,
    },
    clock,
    log,
    settings: revocationsSlice(config),
  })

  const policy = createPolicy(policySlice(config))
  const { ruleFor, roleMappings } = policy
  cells.onChange((after) => policy.prepare(policySlice(after)))
  const guard = createRouteGuard({
    tokens,
    revocations,
    ruleFor,
    routeOf,
    roleMappings,
    settings: guardSlice(config),
    onForbidden: createForbiddenLog({ roleMappings, clock, log }),
    ...observed,
  })
  const serviceTokens = createServiceTokens({
    tokens,
    ring,
    mappingFor: policy.mappingFor,
    ruleFor,
    edition: () => policy.edition,
    ...observed,
  })
  const clearFaulty = createLoginHead({ settings: cookies })
  const onHead: LoginHead = (exchange, status, headers) => {
    clearFaulty(exchange, status, headers)
    keepPersonal(exchange, headers)
  }
  const signInAnswers = createSignInAnswers({ answers, settings: { siteTitle }, onHead, log, metrics })
  const { book, learn, takeSeen } = createWorkerBook(send)
  // A session may be renewed without a request that is met here.
  const lives = createAskedLives((sid) => send({ kind: 'lasts', sid }))
  const ends = createSessionEnds({
    ...{ revocations, book, lives, clock },
    settings: { absoluteMs: identity.session.absolute },
  })
  const check = noticing(guard, book)
  return {
    proxy: { guard: { check }, tokens: serviceTokens, refuse: signInAnswers.refuse },
    guard,
    judge(caller, service, access) {
      const who = caller !== undefined && revocations.isRevoked(caller) ? undefined : caller
      return refusalOf(who, access, () => roleMappings(service))
    },
    demandsAt: createPathDemands({
      ruleFor,
      routeOf: ({ host }, path) => routeOf({ host, method: 'GET', isUpgrade: false }, path),
    }),
    tokens,
    serviceTokens,
    wishes: createServiceWishes({ revocations }),
    onHead,
    revocations,
    book,
    isOver: ends.isOver,
    onEnds: ends.onEnds,
    async apply(update) {
      if (update.ring) {
        sealed = update.ring
        await ring.look()
      }
      for (const [sid, endsAt] of update.sessions ?? []) learn(sid, endsAt)
      if (!update.revocations) return
      fresh = update.revocations
      await revocations.look()
      fresh = []
    },
    lasts: lives.answered,
    takeSeen,
    close: ends.stop,
  }
}

/** What a worker remembers of sessions: until when each lasts. The rest is the primary's, which is told. */
function createWorkerBook(send: WorkerIdentityDeps['send']) {
  const ends = new Map<string, number>()
  let unsaid = new Map<string, SeenNote>()
  let sockets = 0
  const learn = (sid: string, endsAt: number): void => {
    const known = ends.get(sid) ?? 0
    setNewest(ends, sid, Math.max(known, endsAt), MOST_SESSIONS)
  }
  const noteOf = (session: Noted, address: string | undefined): SeenNote => {
    const { sid, startedAt, sessionEndsAt, identities, providers, revocableAs } = session
    return { session: { sid, startedAt, sessionEndsAt, identities, providers, revocableAs }, address }
  }
  const book: SessionBook = {
    seen(session, address) {
      learn(session.sid, session.sessionEndsAt)
      if (unsaid.size < MOST_SESSIONS) unsaid.set(session.sid, noteOf(session, address))
    },
    opened(session, address) {
      learn(session.sid, session.sessionEndsAt)
      const socket = ++sockets
      send({ kind: 'socket', socket, note: noteOf(session, address) })
      let isOpen = true
      return () => {
        if (isOpen) send({ kind: 'socket', socket, note: undefined })
        isOpen = false
      }
    },
    endsAt: (sid) => ends.get(sid),
    list: () => ({ sessions: [], total: 0, next: undefined }),
  }
  return {
    book,
    learn,
    takeSeen(): readonly SeenNote[] {
      const notes = [...unsaid.values()]
      unsaid = new Map()
      return notes
    },
  }
}
