/**
 * Fake users, for a service that is developed without a gateway, or around one.
 *
 * Whoever asks to be one of them is: so there are none in production, and none for requests that came from another
 * machine, through a gateway or another proxy, or from a page of another site.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import { nearest, TOKEN_ISSUER, type TokenClaims } from '@hydra-gateway/protocol'
import { cookieOf, type Header, headersOf, peerOf, targetOf } from '../request.ts'
import { describe, type Verified } from './verified.ts'

/** Somebody who does not exist. */
export interface DevUser {
  /** As they are called in this service. */
  readonly roles?: readonly string[]
  /** Providers that are said to know them. @default local */
  readonly providers?: readonly string[]
  /** Their number. @default none */
  readonly id?: number
  /** Further facts, such as `name` and `email`. */
  readonly claims?: Readonly<Record<string, unknown>>
}

export interface DevUsers {
  /** Who the request asks to be; undefined for nobody, and for requests that may not ask. */
  of(request: unknown): Verified | undefined
  /** By the stand-in for a token that `of` gave. */
  byToken(token: string): Verified | undefined
}

export const DEV_USER_NAME = 'hydra-dev-user'
export const DEV_USER_VARIABLE = 'HYDRA_DEV_USER'
/** No token begins so, and no gateway is sent one that does. */
const DEV_TOKEN = 'dev:'
const LIFE_MS = 3_600_000
/** Whatever has one of these came through somebody else. */
const PASSED_ON = ['hydra-path', 'forwarded', 'x-forwarded-for', 'via', 'x-real-ip']

export interface DevUsersDeps {
  readonly users: Readonly<Record<string, DevUser>>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly now: () => number
}

/**
 * Makes the fake users of a service.
 *
 * @throws TypeError in production, and when the variable names somebody who isn't among them
 */
export function createDevUsers({ users, env, now }: DevUsersDeps): DevUsers {
  if (env.NODE_ENV === 'production')
    throw new TypeError(
      'devUsers can’t be used with NODE_ENV=production: whoever asks to be one of them is signed in without a password',
    )
  const standing = env[DEV_USER_VARIABLE] || undefined
  const names = new Map(
    Object.keys(users).map((name) => [name, `${DEV_TOKEN}${randomBytes(16).toString('base64url')}`]),
  )
  const byToken = new Map([...names].map(([name, token]) => [token, name]))
  if (standing !== undefined && !names.has(standing)) {
    const meant = nearest(standing, names.keys())
    throw new TypeError(
      `${DEV_USER_VARIABLE}=${standing} is none of devUsers${meant ? `; did you mean "${meant}"?` : ''}`,
    )
  }

  function make(name: string): Verified | undefined {
    const token = names.get(name)
    const user = users[name]
    if (token === undefined || !user) return undefined
    const { roles = [], providers = ['local'], id = null, claims = {} } = user
    const about: TokenClaims = {
      ...structuredClone(claims),
      iss: TOKEN_ISSUER,
      exp: Math.floor((now() + LIFE_MS) / 1000),
      jti: 'dev',
      sid: 'dev',
      sub: `${providers[0] ?? 'local'}:${name}`,
      username: name,
      userId: id,
      roles: [...roles],
      idp: [...providers],
    }
    return describe(about, token, {})
  }

  return {
    of(request) {
      const header = headersOf(request)
      if (!header || !isDirect(request, header)) return undefined
      const name = queried(request) ?? cookieOf(header('cookie'), DEV_USER_NAME) ?? standing
      return name === undefined ? undefined : make(decoded(name))
    },
    byToken(token) {
      const name = byToken.get(token)
      return name === undefined ? undefined : make(name)
    },
  }
}

/** Whether a text is the stand-in for a token: it means nothing outside of this process. */
export function isDevToken(token: string | null | undefined): boolean {
  return token?.startsWith(DEV_TOKEN) === true
}

/** A sentence for the log. */
export function announceDevUsers(service: string, users: Readonly<Record<string, DevUser>>): string {
  const shown = Object.entries(users).map(([name, { roles = [] }]) =>
    roles.length > 0 ? `${name} (${roles.join(', ')})` : name,
  )
  const [first = 'mira'] = Object.keys(users)
  return (
    `DEVELOPMENT ONLY: ${service} has users that don't exist: ${shown.join(', ')}. Whoever asks this machine for ` +
    `…?${DEV_USER_NAME}=${first}, around the gateway, is signed in as them without a password`
  )
}

function isDirect(request: unknown, header: Header): boolean {
  const peer = peerOf(request)
  if (peer === undefined || !isLoopback(peer)) return false
  if (PASSED_ON.some((name) => header(name) !== undefined)) return false
  // A page of another site can send a browser here, under a name that leads here too.
  const site = header('sec-fetch-site')
  if (site === 'cross-site' || site === 'same-site') return false
  const host = header('host') ?? header(':authority')
  return host === undefined || isLocalName(host)
}

function isLoopback(address: string): boolean {
  return (
    address === '::1' || (isIP(address.replace(/^::ffff:/i, '')) === 4 && /^(::ffff:)?127\./i.test(address))
  )
}

function isLocalName(host: string): boolean {
  const name = host
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '')
    .toLowerCase()
  return name === 'localhost' || name.endsWith('.localhost') || isLoopback(name)
}

function queried(request: unknown): string | undefined {
  const target = targetOf(request)
  const at = target?.indexOf('?') ?? -1
  if (!target || at < 0) return undefined
  return new URLSearchParams(target.slice(at + 1)).get(DEV_USER_NAME) ?? undefined
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
