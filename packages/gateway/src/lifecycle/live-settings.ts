/**
 * Which settings a reload changes, and which need a restart. Each setting is in one of the two lists, by its own name or
 * by that of what it is part of. The types at the end refuse a setting that is in neither or in both, and name it.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import type { Config } from '../config.ts'

/** Take effect with the next request, look or registration; `trustedProxies` with the next connection. */
export const LIVE_SETTINGS = [
  'logLevel',
  'services',
  'trustedProxies',
  'registration.from',
  'registration.requirePrivateKey',
  'upstreams.allow',
  'http',
  'routing.balance',
  'health.leastAnswers',
  'health.failures',
  'health.slow',
  'cluster.spread',
  'menus',
  'messages.burst',
  'messages.rate',
  'messages.sessionsPerMinute',
  'messages.callTimeout',
  'flywheel.requestTimeout',
  'flywheel.routerToken',
  'flywheel.disableRouterEndpoint',
  'flywheel.cors',
  'flywheel.externalRoutes',
  'flywheel.debugLogging',
  'flywheel.maxUnknownQueues',
  'flywheel.maxStreams',
  'identity.users',
  'identity.roles',
  'identity.mappings',
  'identity.rules',
] as const

/** What is made once of them, others rely on. */
export const RESTART_SETTINGS = [
  'port',
  'host',
  'tls',
  'publicUrl',
  'siteTitle',
  'keys',
  'registration.maxBytes',
  'registration.maxRoutes',
  'registration.maxInstances',
  'lease',
  'forgetAfter',
  'takeoverAfter',
  'rsocketPort',
  'controlPort',
  'redis',
  'cluster.name',
  'cluster.orphanFor',
  'cluster.startWait',
  'workers',
  'http2',
  'fragments',
  'live',
  'health.window',
  'events',
  'messages.maxBytes',
  'messages.maxClients',
  'messages.maxClientsPerAddress',
  'messages.maxBehind',
  'messages.maxBehindTotal',
  'messages.maxUnfinishedTotal',
  'messages.maxHeaders',
  'messages.maxHeaderBytes',
  'messages.heartbeat',
  'messages.keepMessages',
  'messages.keepBytes',
  'messages.keepFor',
  'messages.keepUnused',
  'messages.maxBoxes',
  'messages.maxBoxBytes',
  'flywheel.enabled',
  'flywheel.address',
  'flywheel.queuerDB',
  'flywheel.forceMessageSignature',
  'flywheel.signatureSharedSecret',
  'flywheel.requireWebsocketAuth',
  'flywheel.websocketAuthService',
  'flywheel.websocketAuthServiceAPI',
  'flywheel.maxSignatures',
  'flywheel.rememberSignatures',
  'flywheel.maxQueue',
  'flywheel.maxStreamLength',
  'flywheel.maxServices',
  'flywheel.maxInstances',
  'flywheel.maxNodes',
  'flywheel.maxRouters',
  'identity.allowPlainPasswords',
  'identity.database',
  'identity.providers',
  'identity.token',
  'identity.session',
  'identity.cookie',
  'identity.throttle',
  'identity.passwords',
  'identity.signingKeys',
  'identity.loginTemplate',
  'identity.maxTokenBytes',
] as const

/** Fails to compile with what it is given. */
type None<Names extends never> = Names

/** Whether `T` has settings of its own. A list, or a record whose names are anybody's, is one setting. */
type IsGroup<T> = T extends readonly unknown[]
  ? false
  : T extends object
    ? string extends keyof T
      ? false
      : true
    : false

/** Every setting that is no group, by its path. */
type SettingOf<T> = {
  [Name in keyof T & string]-?: IsGroup<NonNullable<T[Name]>> extends true
    ? `${Name}.${SettingOf<NonNullable<T[Name]>>}`
    : Name
}[keyof T & string]

type Setting = SettingOf<Config>
type NamedBy<List extends readonly string[]> = Extract<Setting, List[number] | `${List[number]}.${string}`>
type Stray<Name extends string> = Name extends string
  ? [NamedBy<[Name]>] extends [never]
    ? Name
    : never
  : never
type Live = NamedBy<typeof LIVE_SETTINGS>
type Restart = NamedBy<typeof RESTART_SETTINGS>

/** A setting named here stands in no list: add it to one. */
export type Forgotten = None<Exclude<Setting, Live | Restart>>
/** A setting named here stands in both. */
export type Contradicted = None<Live & Restart>
/** A name that stands here is that of no setting. */
export type Unknown = None<Stray<(typeof LIVE_SETTINGS | typeof RESTART_SETTINGS)[number]>>

/** Whether a reload changes a setting, by its path. */
export function isLiveSetting(path: string): boolean {
  return LIVE_SETTINGS.some((name) => path === name || path.startsWith(`${name}.`))
}

/** Settings of a list that differ, as precisely as they can be named. */
export function changedSettings(list: readonly string[], before: Config, after: Config): readonly string[] {
  return list.flatMap((path) => differences(path, at(before, path), at(after, path)))
}

function at(config: Config, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((value, step) => (value as Record<string, unknown> | undefined)?.[step], config)
}

/** Groups are looked into, a list is one thing. */
function differences(path: string, before: unknown, after: unknown): readonly string[] {
  if (isDeepStrictEqual(before, after)) return []
  if (!isGroup(before) || !isGroup(after)) return [path]
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names].flatMap((name) => differences(`${path}.${name}`, before[name], after[name]))
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}
