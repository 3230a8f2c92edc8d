/**
 * What services are told of a caller: as a rule the token the caller came with, otherwise one that is made for them.
 *
 * A token is made when a service wants one of its own in a header, when its instance holds another key only, or when it
 * is shown somebody otherwise than the token does: under another name, or as an identity it accepts. It ends with the
 * token it was made of, and is kept for the next requests.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Exchange } from '../proxy/exchange.ts'
import type { Access } from '../routing/route.ts'
import type { Instance } from '../routing/upstream.ts'
import { type ClaimMapping, chooseIdentity } from './claim-mappings.ts'
import { identityKey } from './identities.ts'
import type { KeyTurns } from './key-turns.ts'
import type { Caller, Identity, KeyRing, ServiceTokens, Tokens } from './port.ts'
import { createRecentTokens } from './recent-tokens.ts'

export interface ServiceTokenDeps {
  readonly tokens: Pick<Tokens, 'sign' | 'sessionOf'>
  readonly ring: Pick<KeyRing, 'activeKid' | 'has'>
  /** Instances that are about to hold another key. @default none ever is */
  readonly turns?: Pick<KeyTurns, 'of'>
  readonly mappingFor: (service: string) => ClaimMapping | undefined
  /** What operators say of a path of a service, in place of what its route says. */
  readonly ruleFor?: (service: string, path: string) => Access | undefined
  /** Of mappings: tokens made by an earlier one are not given to anybody. @default they never change */
  readonly edition?: () => number
  /** Until when a session lasts that was renewed since a token of it came. @default nobody knows more than the token */
  readonly endsAt?: (sid: string) => number | undefined
  readonly clock: Pick<Clock, 'now'>
  readonly log: Pick<Log, 'warn'>
  readonly metrics: Pick<Metrics, 'refused'>
}

type Addressee = Pick<Instance, 'service' | 'channel' | 'login' | 'keyId'>

interface Minted {
  /** Undefined: it could not be made. */
  readonly token: string | undefined
  readonly expiresAt: number
  /** From then on the next one is made, while this one still serves. */
  readonly staleAt: number
}

/** Of tokens in a header: short, as a service may pass them on. */
const HEADER_LIFE_MS = 300_000
/** What could not be made is tried again after that. */
const RETRY_MS = 60_000
/** Characters of minted tokens kept, twice that at most: few services want tokens of their own, and any is signed again. */
const KEPT = 4_000_000

export function createServiceTokens(deps: ServiceTokenDeps): ServiceTokens {
  const { ring, turns, mappingFor, ruleFor, clock } = deps
  const mint = createMint(deps)

  const tokenOf = (
    caller: Caller,
    instance: Addressee,
    isHeader: boolean,
    accepted: readonly string[] | undefined,
    endsAt: number,
  ): string | undefined | Promise<string | undefined> => {
    const { service, keyId } = instance
    const first = caller.identities[0]!
    const mapping = mappingFor(service)
    const shown =
      caller.identities.length === 1 ? first : chooseIdentity(caller.identities, accepted, mapping?.preferred)
    const isAsItIs = shown === first && !mapping?.changes(shown) && caller.audience === undefined
    // Only when the ring has it: an instance with a key that is gone is about to learn the new one.
    const kid = keyId !== undefined && ring.has(keyId) ? keyId : undefined
    const isGood = isAsItIs && (kid === undefined || kid === caller.kid) && endsAt === caller.expiresAt
    if (isGood && !isHeader) return caller.token

    const as = mapping?.changes(shown) ? mapping.apply : shown === first ? undefined : asIs
    const audience = isHeader || !isAsItIs ? service : undefined
    return mint({ caller, service, audience, kid: kid ?? ring.activeKid, shown, as, isHeader, endsAt })
  }

  return {
    prepare: function prepare(exchange, instance): void | Promise<void> {
      const { caller } = exchange
      exchange.loginCookie = undefined
      exchange.loginHeader = undefined
      const login = loginOf(instance)
      if (caller === undefined || login === 'none') return
      const turn = instance.keyId === undefined ? undefined : turns?.of(instance.id)
      if (turn)
        return turn.then((keyId) =>
          prepare(exchange, keyId === undefined ? instance : { ...instance, keyId }),
        )
      const isHeader = login === 'header'
      const accepted = caller.identities.length === 1 ? undefined : acceptedBy(exchange, ruleFor)
      const token = tokenOf(caller, instance, isHeader, accepted, caller.expiresAt)
      if (typeof token === 'object') return token.then((made) => tell(exchange, isHeader, made))
      tell(exchange, isHeader, token)
    },

    tokenFor(caller, instance, accepted) {
      const login = loginOf(instance)
      const now = clock.now()
      if (login === 'none') return undefined
      const lasting = now < caller.expiresAt ? caller : asRenewed(caller, deps.endsAt?.(caller.sid))
      const endsAt = now < caller.expiresAt ? caller.expiresAt : lasting.sessionEndsAt
      return now < endsAt ? tokenOf(lasting, instance, login === 'header', accepted, endsAt) : undefined
    },
  }
}

interface Order {
  readonly caller: Caller
  readonly service: string
  readonly audience: string | undefined
  readonly kid: string
  readonly shown: Identity
  readonly as: ((identity: Identity) => Identity) | undefined
  readonly isHeader: boolean
  readonly endsAt: number
}

/** Makes tokens, each once for all who want it at a time. Never rejects. */
function createMint({ tokens, edition = () => 0, clock, log, metrics }: ServiceTokenDeps) {
  const kept = createRecentTokens<Minted>(KEPT)
  const pending = new Map<string, Promise<string | undefined>>()

  const make = async ({
    caller,
    service,
    audience,
    kid,
    shown,
    as,
    isHeader,
    endsAt,
  }: Order): Promise<Minted> => {
    const now = clock.now()
    const until = isHeader ? Math.min(endsAt, now + HEADER_LIFE_MS) : endsAt
    try {
      const { token, expiresAt } = await tokens.sign(tokens.sessionOf(caller), {
        ...{ kid, until },
        ...(audience === undefined ? {} : { audience }),
        ...(as === undefined ? {} : { as: as(shown) }),
      })
      // One that ends when the session or the caller's own token does can't be made any longer.
      const canLast = expiresAt + 1000 < endsAt
      return { token, expiresAt, staleAt: canLast ? expiresAt - (expiresAt - now) / 5 : expiresAt }
    } catch (error) {
      log.warn({ err: error, service }, 'a service can not be told who calls')
      metrics.refused('login', 'mint')
      return { token: undefined, expiresAt: now + RETRY_MS, staleAt: now + RETRY_MS }
    }
  }
  const start = (key: string, order: Order): Promise<string | undefined> => {
    const making = make(order).then((made) => {
      kept.add(key, made, key.length + (made.token?.length ?? 0))
      pending.delete(key)
      return made.token
    })
    pending.set(key, making)
    return making
  }

  return (order: Order): string | undefined | Promise<string | undefined> => {
    const { caller, audience, kid, shown, isHeader } = order
    const key = `${edition()}\0${caller.jti}\0${isHeader}\0${kid}\0${audience ?? ''}\0${identityKey(shown)}`
    const now = clock.now()
    const known = kept.get(key)
    if (known !== undefined && now < known.staleAt) return known.token
    const making = pending.get(key) ?? start(key, order)
    return known !== undefined && now < known.expiresAt ? known.token : making
  }
}

/** A socket keeps the caller it was opened by, whose session may last longer by now. */
function asRenewed(caller: Caller, endsAt: number | undefined): Caller {
  return endsAt === undefined || endsAt <= caller.sessionEndsAt
    ? caller
    : { ...caller, sessionEndsAt: endsAt }
}

function loginOf({ login, channel }: Pick<Instance, 'login' | 'channel'>) {
  return login ?? (channel === 'static' ? 'none' : 'cookie')
}

function acceptedBy({ route, path }: Exchange, ruleFor: ServiceTokenDeps['ruleFor']) {
  if (!route) return undefined
  return (ruleFor?.(route.service, path) ?? route).providers
}

function tell(exchange: Exchange, isHeader: boolean, token: string | undefined): void {
  if (isHeader) exchange.loginHeader = token
  else exchange.loginCookie = token
}

function asIs(identity: Identity): Identity {
  return identity
}
