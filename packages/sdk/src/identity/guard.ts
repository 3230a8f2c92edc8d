/**
 * Guards: what a service does itself with a request that needs somebody who is signed in, whichever way it came.
 *
 * The answers are the gateway's. A navigation gets 401 without `WWW-Authenticate`, which the gateway turns into its
 * sign-in and back; everything else gets it with.
 *
 * @module
 */
import { LOGIN_COOKIE, PROBLEM_TYPE } from '@hydra-gateway/protocol'
import type { HydraService } from '../options.ts'
import { type Header, headersOfAnything, isNavigation, methodOf } from '../request.ts'
import { type AccessOptions, accessFaults, refusalOf } from './access.ts'
import { KeysUnknownError } from './key-set.ts'
import type { Examined, IdentitySide } from './side.ts'
import type { User, Verified } from './verified.ts'

export interface GuardOptions {
  /** One of these is needed, as roles are called in this service. @default anybody who is signed in */
  readonly roles?: readonly string[]
  /** One of these must know them; `local` is user name and password at the gateway. @default any */
  readonly providers?: readonly string[]
}

/** A service, or a function that gives it, for routes that are declared before there is one. */
export type ServiceSource = Pick<HydraService, 'verify'> | (() => Pick<HydraService, 'verify'>)

/** An answer in place of the app's. */
export interface GuardAnswer {
  readonly status: 401 | 403 | 503
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export type Admission =
  | { readonly verified: Verified; readonly answer?: undefined }
  | { readonly verified?: undefined; readonly answer: GuardAnswer }

const sides = new WeakMap<object, IdentitySide>()
const marks = new WeakMap<object, AccessOptions>()
const users = new WeakMap<object, User>()
const makers = new WeakMap<object, string>()

/** Remembers which identity is whose. */
export function keepIdentity(service: object, side: IdentitySide): void {
  sides.set(service, side)
}

/** Remembers whom a guard lets through, so that an adapter that finds it on a route can tell the gateway. */
export function markGuard<Guard extends object>(guard: Guard, { roles, providers }: GuardOptions): Guard {
  marks.set(guard, { auth: 'required', ...(roles && { roles }), ...(providers && { providers }) })
  return guard
}

/** Whom a handler lets through; undefined for one that is no guard of ours. */
export function guardOf(handler: unknown): AccessOptions | undefined {
  return typeof handler === 'function' ? marks.get(handler) : undefined
}

/** Remembers a function that makes guards, so that one that stands in a guard's place is found. */
export function markMaker(maker: object, name: string): void {
  makers.set(maker, name)
}

/** What is wrong with a handler that should have been called to make one; undefined for any other. */
export function uncalledGuard(handler: unknown, path: string): string | undefined {
  const name = typeof handler === 'function' ? makers.get(handler) : undefined
  return (
    name && `${name} stands at ${path} without its service, so requests fail there: write ${name}(service)`
  )
}

/** Remembers who sends a request. */
export function keepUser(request: object, user: User): void {
  users.set(request, user)
}

/** The same, for frameworks whose handlers look at `request.user`. */
export function giveUser(request: { user?: unknown }, user: User): void {
  keepUser(request, user)
  request.user = user
}

/** Who sends a request (in Hono: its context), once a guard has looked at it; undefined for nobody. */
export function userOf(request: object): User | undefined {
  return users.get(request)
}

/** @throws TypeError for what is no service, which would be noticed at the first request only */
export function checkSource(name: string, source: unknown): void {
  if (typeof source === 'function') return
  if (typeof source === 'object' && source !== null && 'verify' in source) return
  const isPromise = source instanceof Promise
  const is = isPromise ? 'a promise: await hydra(…)' : 'the service that hydra(…) resolves with'
  throw new TypeError(
    `${name}: the first argument ${isPromise ? 'is' : 'has to be'} ${is}, as in ${name}(service)`,
  )
}

/** @throws TypeError for options no guard has: a mistyped `role` would let everybody through */
export function checkGuard(options: GuardOptions): void {
  const unknown = Object.keys(options).find((name) => name !== 'roles' && name !== 'providers')
  const [fault] =
    unknown === undefined
      ? accessFaults(options)
      : [`"${unknown}" is no option: there are roles and providers`]
  if (fault) throw new TypeError(`requireUser: ${fault}`)
}

/** Whether a request may go on; if not, what it is answered. */
export async function admit(
  source: ServiceSource,
  request: object,
  { roles, providers }: GuardOptions = {},
): Promise<Admission> {
  const header = headersOfAnything(request) ?? (() => undefined)
  let examined: Examined
  try {
    examined = await examine(source, request)
  } catch (fault) {
    if (!(fault instanceof KeysUnknownError)) throw fault
    return { answer: answerOf('unknown', request, header, fault.message) }
  }
  const { verified, hasToken } = examined
  const access = { auth: 'required', ...(roles && { roles }), ...(providers && { providers }) } as const
  const refusal = refusalOf(access, verified?.user)
  if (verified && !refusal) return { verified }
  // The gateway lets no token through that does not hold: to send the visitor to its sign-in would lead back here.
  const isOurFault = refusal === 'login' && hasToken && header('hydra-path') !== undefined
  const word = isOurFault ? 'unknown' : refusal === 'login' ? 'login' : 'forbidden'
  const detail = refusal === 'provider' ? `Sign in by ${providers?.join(' or ')} to see this.` : DETAILS[word]
  return { answer: answerOf(word, request, header, detail) }
}

/** Who sends a request; undefined for nobody, also when nobody can be recognised yet. */
export async function recognise(source: ServiceSource, request: object): Promise<Verified | undefined> {
  try {
    return (await examine(source, request)).verified
  } catch (fault) {
    if (fault instanceof KeysUnknownError) return undefined
    throw fault
  }
}

async function examine(source: ServiceSource, request: object): Promise<Examined> {
  const service = typeof source === 'function' ? source() : source
  const side = sides.get(service)
  if (side) return side.examine(request)
  // One an app made for its own tests.
  return { verified: await service.verify(request), hasToken: false }
}

const ANSWERS = {
  login: { status: 401, code: 'HYDRA_LOGIN_REQUIRED', title: 'Sign in to go on' },
  forbidden: { status: 403, code: 'HYDRA_FORBIDDEN', title: 'This is not open to you' },
  unknown: { status: 503, code: 'HYDRA_KEYS_UNKNOWN', title: 'It can’t be told yet who you are' },
} as const

const DETAILS = {
  login: 'Nobody is signed in.',
  forbidden: 'Your roles don’t allow it.',
  unknown: 'Your sign-in could not be verified here.',
} as const

function answerOf(word: keyof typeof ANSWERS, request: object, header: Header, detail: string): GuardAnswer {
  const { status, code, title } = ANSWERS[word]
  const navigates = isNavigation(methodOf(request), header)
  const exchange = header('x-request-id')
  const headers = {
    'cache-control': 'no-store',
    'content-type': navigates ? 'text/html; charset=utf-8' : PROBLEM_TYPE,
    ...(status === 401 &&
      !navigates && {
        'www-authenticate': `Cookie realm="hydra", form-action="/login", cookie-name=${LOGIN_COOKIE}`,
      }),
    ...(status === 503 && { 'retry-after': '1' }),
  }
  const problem = {
    type: `/_hydra/errors/${code}`,
    status,
    title,
    detail,
    code,
    ...(exchange && { exchange }),
  }
  // Visitors see it where the service is reached around the gateway.
  const page =
    '<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">' +
    `<meta name="color-scheme" content="light dark"><title>${title}</title><h1>${title}</h1><p>${escaped(detail)}</p>`
  return { status, headers, body: navigates ? page : JSON.stringify(problem) }
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}
