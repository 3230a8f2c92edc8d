/**
 * Slices of the configuration: what each part is told, in its own words. Where a part has a default of its own, for tests,
 * its slice is `Required` all the same: a setting that is not handed on does not compile.
 *
 * @module
 */
import type { FlywheelNetworkLimits } from './channels/flywheel/settings.ts'
import { readLoginTemplate } from './config/identity-files.ts'
import type { Config } from './config.ts'
import type { FragmentSettings } from './fragments/settings.ts'
import type { IdentitySettings, LiveIdentitySettings } from './identity/identity.ts'
import type { LocalUsersDeps } from './identity/local-users.ts'
import type { ProvidersDeps } from './identity/oidc/providers.ts'
import type { PasswordSettings } from './identity/passwords.ts'
import type { ThrottleSettings } from './identity/throttle.ts'
import type { MessageSettings, RouterSettings } from './messaging/settings.ts'
import type { SignatureSettings } from './messaging/signature.ts'
import type { FlywheelSettings } from './proxy/flywheel-settings.ts'
import type { Http2Settings } from './proxy/http2-settings.ts'
import type { ProxySettings } from './proxy/settings.ts'
import type { RegistrySettings } from './registry/registry.ts'
import type { RouterApiSettings } from './router-api/settings.ts'
import type { MailboxLimits } from './store/mailboxes/memory.ts'
import type { RedisSettings } from './store/redis/settings.ts'

/** Limits and patience of the registry. */
export function registrySlice({
  registration,
  lease,
  forgetAfter,
  takeoverAfter,
  cluster,
  flywheel,
}: Config): Required<RegistrySettings> {
  return {
    maxRoutes: registration.maxRoutes,
    maxInstances: registration.maxInstances,
    leaseMs: lease.ttl,
    checkMs: lease.check,
    resumeMs: lease.resume,
    forgetAfterMs: forgetAfter,
    takeoverAfterMs: takeoverAfter,
    orphanForMs: cluster.orphanFor,
    hasRouterApi: isFlywheelOn({ flywheel }),
  }
}

/** Where Redis is, and how long is waited for it; undefined without one. */
export function redisSlice({ redis }: Config): RedisSettings | undefined {
  const { url, prefix, ca, cert, key, sentinelPassword } = redis
  if (url === undefined) return undefined
  return {
    url,
    prefix,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(sentinelPassword === undefined ? {} : { sentinelPassword }),
    connectTimeoutMs: redis.connectTimeout,
    commandTimeoutMs: redis.commandTimeout,
    maxInFlight: redis.maxInFlight,
  }
}

/** Limits and patience of the data plane. */
export function proxySlice({ http, publicUrl }: Config): ProxySettings {
  return {
    maxHeadBytes: http.maxHeadBytes,
    maxTargetBytes: http.maxTargetBytes,
    maxHeaderLines: http.maxHeaderLines,
    maxBodyBytes: http.maxBodyBytes ?? Number.POSITIVE_INFINITY,
    clientHeadTimeoutMs: http.clientHeadTimeout,
    minBodyRate: http.minBodyRate,
    keepAliveTimeoutMs: http.keepAlive,
    connectTimeoutMs: http.connectTimeout,
    headTimeoutMs: http.headTimeout,
    idleTimeoutMs: http.idleTimeout,
    upstreamKeepAliveMs: http.upstreamKeepAlive,
    maxConnectionsPerInstance: http.maxConnectionsPerInstance,
    maxQueuedPerInstance: http.maxQueuedPerInstance,
    maxAttempts: http.maxAttempts,
    maxPasses: http.maxPasses,
    serverTiming: http.serverTiming,
    allowedOrigins: http.allowedOrigins,
    publicUrl,
  }
}

/** Limits of connections that speak HTTP/2. */
export function http2Slice({ http2 }: Config): Http2Settings {
  return {
    maxStreams: http2.maxStreams,
    streamWindowBytes: http2.streamWindow,
    connectionWindowBytes: http2.connectionWindow,
    resetBurst: http2.resetBurst,
    resetsPerSecond: http2.resetRate,
    controlBurst: http2.controlBurst,
    controlsPerSecond: http2.controlRate,
    maxInvalidFrames: http2.maxInvalidFrames,
  }
}

/** Limits and patience of fragments: of the resolver, of who asks it, and of pages the gateway composes. */
export function fragmentsSlice({ fragments }: Config): FragmentSettings {
  return {
    pageBudgetMs: fragments.pageBudget,
    medusaBudgetMs: fragments.medusaBudget,
    medusaBatchMs: fragments.medusaBatch,
    maxBytes: fragments.maxBytes,
    maxCallsPerInstance: fragments.maxCallsPerInstance,
    maxPerPage: fragments.maxPerPage,
    maxPageBytes: fragments.maxPageBytes,
    maxCallBytes: fragments.maxCallBytes,
    maxAnswerBytes: fragments.maxAnswerBytes,
    readAheadBytes: fragments.readAhead,
    maxFallbackBytes: fragments.maxFallbackBytes,
    maxHeldBytes: fragments.maxHeldBytes,
  }
}

/** Whether this gateway stands in for hydra-router. */
export const isFlywheelOn = ({ flywheel }: Pick<Config, 'flywheel'>): boolean => flywheel.enabled === true

/** By which rules of hydra-router requests are served. */
export function flywheelSlice({ flywheel }: Config): FlywheelSettings {
  return {
    enabled: isFlywheelOn({ flywheel }),
    requestTimeoutMs: flywheel.requestTimeout,
    cors: flywheel.cors,
  }
}

/** What is taken from the Redis of `hydra` services. */
export function flywheelNetworkSlice({ flywheel, messages, registration }: Config): FlywheelNetworkLimits {
  return {
    maxServices: flywheel.maxServices,
    maxInstances: flywheel.maxInstances,
    maxRoutes: registration.maxRoutes,
    maxNodes: flywheel.maxNodes,
    maxRouters: flywheel.maxRouters,
    maxQueue: flywheel.maxQueue,
    maxStreamLength: flywheel.maxStreamLength,
    maxMessageBytes: messages.maxBytes,
    keepMessages: messages.keepMessages,
    keepBytes: messages.keepBytes,
    keepForMs: messages.keepFor,
  }
}

/** What the router API is told. */
export function routerApiSlice(config: Config): RouterApiSettings {
  const { flywheel, messages, http, controlPort, publicUrl } = config
  return {
    publicUrl,
    routerToken: flywheel.routerToken,
    isDisabled: flywheel.disableRouterEndpoint,
    cors: flywheel.cors,
    debugLogging: flywheel.debugLogging,
    hasControlPort: controlPort !== undefined,
    maxBytes: messages.maxBytes,
    headerBounds: { maxHeaders: messages.maxHeaders, maxHeaderBytes: messages.maxHeaderBytes },
    bodyTimeoutMs: http.idleTimeout,
    maxUnknownQueues: flywheel.maxUnknownQueues,
    maxStreams: flywheel.maxStreams,
  }
}

/** Limits and patience of messages. */
export function messagesSlice({ messages }: Config): MessageSettings {
  return {
    maxBytes: messages.maxBytes,
    maxClients: messages.maxClients,
    maxClientsPerAddress: messages.maxClientsPerAddress,
    burst: messages.burst,
    perSecond: messages.rate,
    maxBehindBytes: messages.maxBehind,
    maxBehindTotalBytes: messages.maxBehindTotal,
    maxUnfinishedTotalBytes: messages.maxUnfinishedTotal,
    maxHeaders: messages.maxHeaders,
    maxHeaderBytes: messages.maxHeaderBytes,
    sessionsPerMinute: messages.sessionsPerMinute,
    heartbeatMs: messages.heartbeat,
    callTimeoutMs: messages.callTimeout,
    keepMessages: messages.keepMessages,
    keepBytes: messages.keepBytes,
    keepMs: messages.keepFor,
    keepUnusedMs: messages.keepUnused,
  }
}

/** How much is kept in memory for all clients together. */
export function mailboxesSlice({ messages }: Config): MailboxLimits {
  return { mostBoxes: messages.maxBoxes, mostBytes: messages.maxBoxBytes }
}

/** What is remembered of signed messages. */
export function signaturesSlice({ flywheel }: Config): SignatureSettings {
  return { mostRemembered: flywheel.maxSignatures, rememberMs: flywheel.rememberSignatures }
}

/** What hydra-router could be told of sockets. */
export function routerSlice(config: Config): RouterSettings {
  const { flywheel } = config
  return {
    ...flywheelSlice(config),
    forceMessageSignature: flywheel.forceMessageSignature,
    requireWebsocketAuth: flywheel.requireWebsocketAuth,
    websocketAuthService: flywheel.websocketAuthService,
    websocketAuthServiceAPI: flywheel.websocketAuthServiceAPI,
  }
}

/** Limits of menus. */
export function menusSlice({ menus }: Config) {
  return { maxItems: menus.maxItems }
}

/** Limits and patience of open pages. */
export function liveSlice({ live }: Config) {
  return {
    maxStreams: live.maxStreams,
    maxStreamsPerClient: live.maxStreamsPerClient,
    maxWishes: live.maxWishes,
    pushEveryMs: live.pushEvery,
    heartbeatMs: live.heartbeat,
    maxBehindMs: live.maxBehind,
    replaceWithinMs: live.replaceWithin,
  }
}

/** When a service is degraded. */
export function healthSlice({ health }: Config) {
  return {
    windowMs: health.window,
    leastAnswers: health.leastAnswers,
    failuresPercent: health.failures,
    slowMs: health.slow,
  }
}

/** What is kept of events, and for how many. */
export function eventsSlice({ events }: Config) {
  return { kept: events.kept, maxReaders: events.maxReaders }
}

/** Lives and size of tokens. */
export function tokensSlice({
  identity: { token, session, maxTokenBytes },
}: Config): Required<IdentitySettings['tokens']> {
  return {
    lifeMs: token.life,
    renewAfterMs: token.renewAfter,
    idleMs: session.idle,
    maxBytes: maxTokenBytes,
    cacheBytes: token.cache,
  }
}

/** Lives of sessions. */
export function sessionsSlice({ identity: { session } }: Config) {
  return { idleMs: session.idle, absoluteMs: session.absolute }
}

/** What is remembered of sessions. */
export function sessionBookSlice({ identity: { session } }: Config): Required<IdentitySettings['book']> {
  return { most: session.remembered }
}

/** What is written into browsers. */
export function sessionCookiesSlice({ identity: { cookie }, publicUrl }: Config) {
  return { host: cookie.host, secure: publicUrl?.startsWith('https:') ?? false }
}

/** How failed sign-ins slow down further ones. */
export function throttleSlice({ identity: { throttle } }: Config): Required<ThrottleSettings> {
  return {
    free: throttle.free,
    baseMs: throttle.base,
    mostMs: throttle.most,
    mostPerAccountMs: throttle.mostPerAccount,
    kept: throttle.kept,
  }
}

/** What a password costs. */
export function passwordsSlice({ identity }: Config): Partial<PasswordSettings> {
  return identity.passwords
}

/** How long the end of a session has to be remembered. */
export function revocationsSlice({ identity: { session } }: Config) {
  return { keepMs: session.absolute }
}

/** Other systems that know people. */
export function providersSlice({ identity, siteTitle }: Config): ProvidersDeps['settings'] {
  const providers = Object.entries(identity.providers).map(
    ([name, { timeout, ...provider }]) => [name, { ...provider, timeoutMs: timeout }] as const,
  )
  return { providers: Object.fromEntries(providers), siteTitle }
}

/** People of the configuration. Whether plain passwords are taken was decided when it was read. */
export function localUsersSlice({ identity }: Config): Pick<LocalUsersDeps, 'configured' | 'allowPlain'> {
  return { configured: identity.users, allowPlain: identity.allowPlainPasswords !== false }
}

/** What is read of a request. */
export function guardSlice({ identity: { cookie, maxTokenBytes } }: Config) {
  return { host: cookie.host, maxTokenBytes }
}

/** What operators say of people. */
export function policySlice({ identity: { roles, mappings, rules } }: Config) {
  return { roles, mappings, rules }
}

/** What of identity may change meanwhile. */
export function liveIdentitySlice(config: Config): LiveIdentitySettings {
  return { ...policySlice(config), users: localUsersSlice(config) }
}

/** All of identity. */
export function identitySlice(config: Config): IdentitySettings {
  const { siteTitle, publicUrl, identity } = config
  return {
    siteTitle,
    publicUrl,
    ...liveIdentitySlice(config),
    passwords: passwordsSlice(config),
    throttle: throttleSlice(config),
    providers: providersSlice(config),
    cookies: sessionCookiesSlice(config),
    tokens: tokensSlice(config),
    sessions: sessionsSlice(config),
    book: sessionBookSlice(config),
    revocations: revocationsSlice(config),
    guard: guardSlice(config),
    signingKeys: identity.signingKeys,
    loginTemplate:
      identity.loginTemplate === undefined ? undefined : readLoginTemplate(identity.loginTemplate),
  }
}
