/**
 * OpenID Connect Back-Channel Logout 1.0: a provider says that somebody signed out there. What its logout token names
 * is revoked here: one session of theirs, or everything of the person.
 *
 * @module
 */
import { errors, jwtVerify } from 'jose'
import { z } from 'zod'
import type { Clock } from '../../observe/clock.ts'
import type { Log } from '../../observe/log.ts'
import type { Exchange } from '../../proxy/exchange.ts'
import { readForm } from '../form-body.ts'
import type { Revocations } from '../port.ts'
import { providerSessionHash } from '../provider-session.ts'
import { AskingError } from './bounded-fetch.ts'
import type { Known } from './connection.ts'
import type { Refusals } from './refusals.ts'
import type { Provider } from './sign-in.ts'
import type { UsedUp } from './used-up.ts'

export type BackChannel = (request: Request, exchange: Exchange, provider: Provider) => Promise<Response>

/** Longest since a logout token was made: they are sent at once. */
const FRESH_S = 120
/** Clocks of two systems. */
const SKEW_S = 30
/** Nothing is taken as fresh for longer: so long its id is remembered. */
export const LOGOUT_TOKEN_MS = (FRESH_S + 2 * SKEW_S) * 1000
/** A provider sends one token, at once. */
const BODY = { maxBytes: 32 * 1024, timeoutMs: 10_000 }
const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
/** Checks at once: each may have to fetch keys. */
const MAX_UNDER_WAY = 50

const text = z.string().min(1).max(1024)
const claims = z
  .looseObject({
    jti: text,
    sub: text.optional(),
    sid: text.optional(),
    events: z.looseObject({ [EVENT]: z.looseObject({}) }),
    // What has one is an ID token that was given to somebody.
    nonce: z.never().optional(),
  })
  .refine(({ sub, sid }) => sub !== undefined || sid !== undefined)

/** Why a logout token was not taken: a constant word. */
class LogoutFault extends Error {
  readonly reason: string

  constructor(reason: string) {
    super(reason)
    this.name = 'LogoutFault'
    this.reason = reason
  }
}

export function createBackChannel({
  revocations,
  used,
  refusals,
  clock,
  log,
}: {
  readonly revocations: Pick<Revocations, 'revoke'>
  readonly used: UsedUp
  readonly refusals: Refusals
  readonly clock: Pick<Clock, 'now' | 'after'>
  readonly log: Pick<Log, 'info' | 'error'>
}): BackChannel {
  let underWay = 0

  return async (request, exchange, provider) => {
    try {
      // Whoever sends slowly is not under way yet: strangers would hold all there is for as long as they like.
      const form = await readForm(request, BODY, clock).catch(() => undefined)
      const tokens = form?.getAll('logout_token') ?? []
      if (tokens.length !== 1) throw new LogoutFault('logout-form')
      await logOut(tokens[0]!, exchange, provider)
      return new Response(null, { status: 200, headers: { 'cache-control': 'no-store' } })
    } catch (error) {
      if (error instanceof LogoutFault) return refuse(exchange, provider, error.reason)
      // Whatever it was, the session may go on: the provider should say it again.
      log.error({ exchange: exchange.id, provider: provider.name, err: error }, 'back-channel logout failed')
      return refuse(exchange, provider, 'logout-not-kept')
    }
  }

  async function logOut(token: string, exchange: Exchange, provider: Provider): Promise<void> {
    const { name } = provider
    const { known, said } = await check(token, provider)
    const { jti, sub, sid } = said
    if (!used.use(`${name}:${jti}`)) throw new LogoutFault('logout-replayed')

    // A provider that doesn't speak of sessions in its ID tokens has given us none to find by `sid`.
    const speaksOfSessions = known.metadata.backchannel_logout_session_supported === true
    if (sid !== undefined && (speaksOfSessions || sub === undefined)) {
      await revocations.revoke('provider-session', providerSessionHash(name, sid), 'back-channel logout')
    } else await revocations.revoke('user', `${name}:${sub!}`, 'back-channel logout')
    const whom = sub === undefined ? {} : { identity: `${name}:${sub}` }
    log.info({ exchange: exchange.id, provider: name, ...whom }, 'signed out by the provider')
  }

  /** The costly part, and so a bounded one. */
  async function check(token: string, provider: Provider) {
    if (underWay >= MAX_UNDER_WAY) throw new LogoutFault('logout-busy')
    underWay++
    try {
      const { connection } = provider
      const known = connection.known ?? (await connection.find())
      if (!known) throw new LogoutFault('down')
      return { known, said: await verify(token, known, provider) }
    } finally {
      underWay--
    }
  }

  async function verify(token: string, { metadata, keyFor, algorithms }: Known, { settings }: Provider) {
    const { payload, protectedHeader } = await jwtVerify(token, keyFor, {
      issuer: metadata.issuer,
      audience: settings.clientId,
      algorithms: [...algorithms],
      // Freshness is what limits it; `exp` counts where a provider sets it (older ones don't).
      maxTokenAge: FRESH_S,
      clockTolerance: SKEW_S,
      requiredClaims: ['iat', 'jti', 'events'],
      currentDate: new Date(clock.now()),
    }).catch((error: unknown) => {
      throw new LogoutFault(reasonOf(error))
    })
    const type = protectedHeader.typ?.toLowerCase().replace(/^application\//, '')
    if (type !== undefined && type !== 'logout+jwt' && type !== 'jwt') throw new LogoutFault('logout-type')
    const { data, error } = claims.safeParse(payload)
    if (!data) throw new LogoutFault(`logout-${String(error.issues[0]?.path[0] ?? 'subject')}`)
    return data
  }

  function refuse(exchange: Exchange, { name }: Provider, reason: string): Response {
    refusals.note(exchange, name, reason)
    const body = { error: 'invalid_request', error_description: reason }
    return Response.json(body, { status: 400, headers: { 'cache-control': 'no-store' } })
  }
}

/** A constant word; the claim that did not hold is one of ours to know. */
function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired) {
    return ['iss', 'aud', 'iat', 'exp', 'nbf', 'jti', 'events'].includes(error.claim)
      ? `logout-${error.claim}`
      : 'logout-claim'
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return 'logout-algorithm'
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'logout-forged'
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) {
    return 'logout-unknown-key'
  }
  if (error instanceof errors.JWKSTimeout) return 'logout-keys'
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) return 'logout-malformed'
  if (error instanceof errors.JOSEError && error.code === 'ERR_JOSE_GENERIC') return 'logout-keys'
  return error instanceof AskingError || error instanceof TypeError ? 'logout-keys' : 'logout-malformed'
}
