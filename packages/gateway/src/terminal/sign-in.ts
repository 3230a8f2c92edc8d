/**
 * What the gateway says at its start about people who sign in.
 *
 * @module
 */
import { relative } from 'node:path'
import { urlHost } from '@hydra-gateway/protocol'
import { isSecureOrLocal } from '../config/providers.ts'
import type { Config } from '../config.ts'

/** What is known once the database was looked into. */
export interface SignInFacts {
  readonly isOn: boolean
  /** Users of the configuration and of the database together; undefined while that can't be read. */
  readonly users: number | undefined
  /** Where users, ended sessions and keys are kept: a file, `memory`, or `redis at host:6379`. */
  readonly place: string
  readonly isLasting: boolean
  /** The database that `hydra users add` makes or opens in this directory: its absolute path. Redis goes before it. */
  readonly usual?: string | undefined
  /** One of a directory further up, which this gateway does not read. */
  readonly above?: string | undefined
  /** Of the key ring. */
  readonly warnings: readonly string[]
}

/** Who can sign in, and where that is kept. */
export function describeSignIn(facts: SignInFacts, config: Config): string[] {
  const { isOn, users = 0, place, isLasting } = facts
  if (!isOn) return howToMakeUsers('Nobody signs in here.', facts, config)
  const { providers, signingKeys } = config.identity
  const labels = Object.entries(providers).map(([name, { label }]) => label ?? name)
  const who = [
    ...(users > 0 ? [users === 1 ? '1 user' : `${users} users`] : []),
    ...labels.map((l) => `by ${l}`),
  ]
  const signIn =
    who.length > 0
      ? [`At /login people sign in: ${who.join(', ')}.`]
      : facts.users === undefined
        ? ['At /login people sign in; how many there are can’t be read now.']
        : howToMakeUsers('People sign in at /login, but there is nobody yet.', facts, config)
  if (!isLasting)
    return [...signIn, 'There is no identity database: a restart forgets linked logins and ended sessions.']
  const what = signingKeys.length > 0 ? 'Users and ended sessions' : 'Users, ended sessions and signing keys'
  return [...signIn, `${what} are kept in ${shorter(place)}.`]
}

/** What makes a user this gateway finds. */
function howToMakeUsers(fact: string, facts: SignInFacts, { identity, redis }: Config): string[] {
  const { isOn, place } = facts
  const isShared = redis.url !== undefined && typeof identity.database !== 'string'
  const { usual = undefined, above = undefined } = isShared ? { usual: place } : facts
  if (identity.database === false && !isShared)
    return [
      fact,
      'There is no identity database (identity.database: false): users stand in HYDRA_USERS alone.',
    ]
  const then = isOn ? '' : ', and start again'
  return [
    `${fact} Make a user: hydra users add NAME${then}`,
    ...(isOn || usual === undefined ? [] : [`Users are kept in ${usual}.`]),
    ...(above === undefined
      ? []
      : [
          `There is a database in ${above}, which is not this one. To use it, start there, or set HYDRA_IDENTITY_DATABASE.`,
        ]),
  ]
}

/** From the working directory, where that is shorter. */
function shorter(place: string): string {
  const here = relative('', place)
  return here.startsWith('..') ? place : here
}

/** What an operator should know of it. */
export function signInWarnings({ isOn, warnings }: SignInFacts, config: Config): string[] {
  if (!isOn) return []
  return isReadOnTheWay(config)
    ? [
        ...warnings,
        'Passwords and login cookies travel without TLS. Give a certificate (to try: hydra start --tls-self-signed), or HYDRA_PUBLIC_URL=https://… when a proxy does TLS.',
      ]
    : [...warnings]
}

/** Without TLS here, and nothing says that it ends in front of us, or that nobody else can reach us. */
function isReadOnTheWay({ tls, publicUrl, trustedProxies, host }: Config): boolean {
  if (tls !== undefined || trustedProxies.length > 0) return false
  const reachedAt = publicUrl ?? (host === undefined ? undefined : `http://${urlHost(host)}`)
  return reachedAt === undefined || !isSecureOrLocal(reachedAt)
}
