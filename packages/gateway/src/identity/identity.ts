/**
 * Identity, put together: keys, tokens, sessions, the people, the guard, and what of them every other part gets.
 *
 * Read this to learn what exists and who knows whom.
 *
 * @module
 */
import { LOCAL_PROVIDER } from '@hydra-gateway/protocol'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { LoginTemplate } from '../pages/login-template.ts'
import type { Answers } from '../proxy/answers.ts'
import type { Exchange } from '../proxy/exchange.ts'
import type { ProxyIdentity } from '../proxy/proxy.ts'
import type { ServiceSignIn } from '../proxy/service-sign-in.ts'
import type { DemandsAt } from '../routing/demands.ts'
import type { Access } from '../routing/route.ts'
import type { IdentityStore } from '../store/identity/port.ts'
import type { MailboxStore } from '../store/mailboxes/port.ts'
import { StoreAway } from '../store/redis/port.ts'
import { type AcceptedProvidersDeps, createAcceptedProviders } from './accepted-providers.ts'
import { refusalOf } from './access.ts'
import { createForbiddenLog } from './forbidden-log.ts'
import { createRouteGuard } from './guard.ts'
import { createIdentitySync } from './identity-sync.ts'
import { createKeyRing } from './key-ring.ts'
import { createKeyTurns } from './key-turns.ts'
import { createLocalUsers, type LocalUsersDeps } from './local-users.ts'
import { createLoginDoor } from './login-door.ts'
import { createLoginHead, type LoginHead } from './login-head.ts'
import type { ProvidersDeps } from './oidc/providers.ts'
import type { RouteOf } from './other-route.ts'
import { createPasswords, type PasswordSettings } from './passwords.ts'
import { createPathDemands } from './path-demands.ts'
import { keepPersonal } from './personal-head.ts'
import { createPolicy, type PolicySettings } from './policy.ts'
import type {
  Caller,
  IdentityFacts,
  KeyRing,
  Providers,
  Refusal,
  Revocations,
  RouteDemands,
  RouteGuard,
  ServiceTokens,
  Tokens,
} from './port.ts'
import { createRevocations } from './revocations.ts'
import { toldByTokens } from './sealed-session.ts'
import { createSealer } from './sealing.ts'
import { createServiceTokens } from './service-tokens.ts'
import { createServiceWishes } from './service-wishes.ts'
import { createSessionBook, type SessionBook, type SessionBookDeps } from './session-book.ts'
import { createSessionCookies } from './session-cookies.ts'
import { createSessionEnds, noticing, type SessionEnds } from './session-ends.ts'
import { createStoredLives } from './session-lives.ts'
import { createSessions, type SessionSettings } from './sessions.ts'
import { createSignInAnswers } from './sign-in-answers.ts'
import { createThrottle, type ThrottleDeps, type ThrottleSettings } from './throttle.ts'
import { createTokens, type TokenSettings } from './tokens.ts'

/** What may be otherwise while the gateway runs. */
export interface LiveIdentitySettings extends PolicySettings {
  readonly users: Pick<LocalUsersDeps, 'configured' | 'allowPlain'>
}

export interface IdentitySettings extends LiveIdentitySettings {
  readonly siteTitle: string
  /** How browsers reach us; needed with providers. */
  readonly publicUrl: string | undefined
  readonly passwords: Partial<PasswordSettings>
  readonly throttle: ThrottleSettings
  readonly providers: ProvidersDeps['settings']
  readonly cookies: { readonly host: boolean; readonly secure: boolean }
  readonly tokens: TokenSettings
  readonly sessions: SessionSettings
  readonly book: NonNullable<SessionBookDeps['settings']>
  readonly revocations: { readonly keepMs: number }
  readonly guard: { readonly host: boolean; readonly maxTokenBytes: number }
  readonly signingKeys: readonly string[]
  /** In place of our own login page. */
  readonly loginTemplate: LoginTemplate | undefined
}

export interface IdentityDeps {
  readonly settings: IdentitySettings
  /** The first seals and signs, all open and verify. */
  readonly privateKeys: readonly string[]
  readonly store: IdentityStore
  /** Where other nodes hear of tries to sign in. @default there are none */
  readonly bus?: ThrottleDeps['bus']
  /** Where nodes say until when sessions last. @default there are no others */
  readonly mailboxes?: Pick<MailboxStore, 'open' | 'read'> | undefined
  readonly answers: Pick<Answers, 'problem'>
  /** The route of a path, for paths that services may read in another way. */
  readonly routeOf: RouteOf
  readonly table: AcceptedProvidersDeps['table']
  /** What visitors call a service. */
  readonly titleOf: (service: string) => string | undefined
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
}

/** Identity that is on. */
export interface OpenedIdentity extends Omit<SessionEnds, 'stop'> {
  readonly facts: IdentityFacts
  readonly proxy: ProxyIdentity
  readonly guard: RouteGuard
  /** Whom a route is for, the operator's rules included. */
  readonly demandOf: RouteDemands
  /** What the guard asks for at one path of a route. */
  readonly demandsAt: DemandsAt
  /** Whether somebody may have what an access says, in the words of a service; why not. Rules are in `demandsAt`. */
  judge(caller: Caller | undefined, service: string, access: Access): Refusal | undefined
  readonly tokens: Tokens
  readonly serviceTokens: ServiceTokens
  /** For the forwarder: answers of services that ask for a sign-in. */
  readonly wishes: ServiceSignIn
  /** Called as the head of every answer leaves. */
  readonly onHead: LoginHead
  readonly ring: KeyRing
  readonly revocations: Revocations
  readonly book: SessionBook
  /** Users of configuration and store together, now. */
  countUsers(): Promise<number>
  isConfiguredUser(username: string): boolean
  hashPassword(password: string): Promise<string>
  /** Answers `/login`, `/logout`, `/_hydra/session`, and what is below `/_hydra/login/` and `/_hydra/logout/`. */
  handle(request: Request, exchange: Exchange): Promise<Response | undefined>
  /**
   * Reads other rules, mappings and users; what is returned puts them in place of those there are, and ends the sessions
   * of users of the configuration who may not sign in any more, or not with that password.
   *
   * @throws ServicePatternError, PatternError, Error when a user or a mapping is none
   */
  prepare(settings: LiveIdentitySettings): () => void
  close(): Promise<void>
}

const NO_PROVIDERS: Providers & { close(): void } = {
  list: () => [],
  handle: async () => undefined,
  logoutUrl: () => undefined,
  current: () => undefined,
  close() {},
}

/** To begin, a store that is away need not be read: it is looked at twice a second. */
const unlessAway = (look: Promise<void>): Promise<void> =>
  look.catch((error: unknown) => {
    if (!(error instanceof StoreAway)) throw error
  })

/** Opens identity: reads or makes the signing keys, and looks for the providers in the background. */
export async function openIdentity(deps: IdentityDeps): Promise<OpenedIdentity> {
  const { settings, privateKeys, store, answers, routeOf, titleOf, clock, log, metrics } = deps
  const sealerFor = (purpose: string) => createSealer(privateKeys, purpose)
  const observed = { clock, log, metrics }

  // Who signs, and what was signed.
  const ring = await createKeyRing({
    store: store.keyRing,
    sealer: sealerFor('key ring'),
    given: settings.signingKeys,
    tokenLifeMs: settings.tokens.lifeMs,
    isLasting: store.isLasting,
    clock,
    log,
  })
  const tokens = createTokens({ ring, sealer: sealerFor('token'), clock, settings: settings.tokens })
  const revocations = createRevocations({
    store: store.revocations,
    clock,
    log,
    settings: settings.revocations,
  })
  await unlessAway(revocations.look())

  // Who may go where, and what services are told.
  const policy = createPolicy(settings)
  const { ruleFor, roleMappings } = policy
  const guard = createRouteGuard({
    tokens,
    revocations,
    ruleFor,
    routeOf,
    roleMappings,
    settings: settings.guard,
    onForbidden: createForbiddenLog({ roleMappings, clock, log }),
    ...observed,
  })
  const turns = createKeyTurns(clock)
  const serviceTokens = createServiceTokens({
    tokens,
    ring,
    turns,
    mappingFor: policy.mappingFor,
    ruleFor,
    edition: () => policy.edition,
    endsAt: (sid) => ends.endsAt(sid),
    ...observed,
  })
  const clearFaulty = createLoginHead({ settings: settings.cookies })
  const onHead: LoginHead = (exchange, status, headers) => {
    clearFaulty(exchange, status, headers)
    keepPersonal(exchange, headers)
  }
  const signInAnswers = createSignInAnswers({ answers, settings, onHead, log, metrics })
  const book = createSessionBook({ revocations, clock, settings: settings.book })

  // Who is who, and for how long.
  const cookies = createSessionCookies({ ...settings.cookies, privateKeys })
  const passwords = createPasswords(settings.passwords)
  const users = createLocalUsers({ ...settings.users, store: store.users, passwords, log })
  await unlessAway(users.look())
  const lives = deps.mailboxes && createStoredLives({ mailboxes: deps.mailboxes, clock })
  const sessions = createSessions({
    tokens,
    sealer: sealerFor('session'),
    cookies,
    users,
    providers: () => providers,
    links: store.links,
    revocations,
    settings: settings.sessions,
    onOpened(exchange, session) {
      const noted = toldByTokens(session, settings.sessions.idleMs)
      book.seen(noted, exchange.client)
      lives?.renewed(noted.sid, noted.sessionEndsAt)
    },
    ...observed,
  })
  const { publicUrl } = settings
  const hasProviders = Object.keys(settings.providers.providers).length > 0
  if (hasProviders && publicUrl === undefined) throw new Error('providers need the public URL')
  const providers = hasProviders
    ? (await import('./oidc/providers.ts')).createProviders({
        settings: settings.providers,
        sealer: sealerFor('sign-in flow'),
        sessions,
        users,
        revocations,
        links: store.links,
        publicUrl: publicUrl!,
        cookies: settings.cookies,
        ...observed,
      })
    : NO_PROVIDERS
  let acceptedProviders = createAcceptedProviders({ table: deps.table, rules: settings.rules })
  const loginDoor = createLoginDoor({
    sessions,
    cookies,
    users,
    providers,
    throttle: createThrottle({ settings: settings.throttle, privateKeys, bus: deps.bus, clock }),
    acceptedProviders: (service) => acceptedProviders(service),
    titleOf,
    template: settings.loginTemplate,
    privateKeys,
    settings,
    ...observed,
  })

  const { stop: stopEnds, ...ends } = createSessionEnds({
    ...{ revocations, book, lives, clock },
    settings: settings.sessions,
  })
  const sync = createIdentitySync({
    store,
    look: async () => {
      await Promise.all([ring.look(), revocations.look(), users.look()])
    },
    clock,
    log,
  })

  const check = noticing(guard, book)

  return {
    facts: {
      isOn: true,
      providers: [LOCAL_PROVIDER, ...Object.keys(settings.providers.providers)],
      publicKey: () => ring.publicKey,
      keyId: () => ring.activeKid,
      keysAnswer: ring.answer,
      turnKey: turns.begin,
      roleMappings,
      onKeys: ring.onChange,
    },
    proxy: { guard: { check }, tokens: serviceTokens, refuse: signInAnswers.refuse },
    guard,
    demandOf: policy.demandOf,
    demandsAt: createPathDemands({
      ruleFor,
      routeOf: ({ host }, path) => routeOf({ host, method: 'GET', isUpgrade: false }, path),
    }),
    judge(caller, service, access) {
      const who = caller !== undefined && revocations.isRevoked(caller) ? undefined : caller
      return refusalOf(who, access, () => roleMappings(service))
    },
    tokens,
    serviceTokens,
    wishes: createServiceWishes({ revocations }),
    onHead,
    ring,
    revocations,
    book,
    async countUsers() {
      const configured = users.configured()
      const stored = (await store.users.list()).map(({ username }) => username)
      return new Set([...configured, ...stored]).size
    },
    isConfiguredUser: (username) => users.configured().includes(username.normalize('NFC')),
    hashPassword: passwords.hash,
    async handle(request, exchange) {
      return (await providers.handle(request, exchange)) ?? loginDoor.handle(request, exchange)
    },
    ...ends,
    prepare(next) {
      const changeRules = policy.prepare(next)
      const changeUsers = users.prepare(next.users.configured)
      const accepted = createAcceptedProviders({ table: deps.table, rules: next.rules })
      return () => {
        changeRules()
        acceptedProviders = accepted
        for (const [username, reason] of changeUsers())
          void revocations.revoke('user', `${LOCAL_PROVIDER}:${username}`, reason)
      }
    },
    async close() {
      stopEnds()
      sync.stop()
      providers.close()
    },
  }
}
