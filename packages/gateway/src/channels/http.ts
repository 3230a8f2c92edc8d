/**
 * Medusa's HTTP channel: registration and heartbeats as plain posts, for Java applications that know nothing
 * else and for services of any language (`medusa.md` sections 1.1, 1.2).
 *
 * A beat names only the service, so the work here is to find out which instance it speaks for.
 *
 * @module
 */

import { HydraError } from '../errors.ts'
import { NO_IDENTITY } from '../identity/no-identity.ts'
import type { IdentityFacts } from '../identity/port.ts'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Peer } from '../proxy/exchange.ts'
import { readJson, readText } from './json-body.ts'
import { parseRegistration, type ReadRegistration } from './parse-registration.ts'
import type { KnownInstance, Registered, Registrar } from './port.ts'
import { registrationAnswer } from './registration-answer.ts'
import { createRekeying } from './rekeying.ts'
import { createToldOverviews } from './told-overview.ts'

export interface HttpChannelDeps {
  readonly registrar: Registrar
  /** Compares in constant time. */
  readonly keys: {
    accepts(publicKey: string): boolean
    acceptsPair(publicKey: string, privateKey: string): boolean
  }
  readonly mayRegister: (address: string) => boolean
  /** @default nobody can sign in */
  readonly identity?: IdentityFacts
  /** 0 to 1, as Math.random: instances are told of new keys at moments of their own. */
  readonly random?: () => number
  /** One TCP connect; true when it was accepted. */
  readonly probe: (address: { host: string; port: number }) => Promise<boolean>
  readonly settings: {
    /** Whether a registration must prove the private key by Basic auth; Java clients can't. @default false */
    readonly requirePrivateKey: boolean
    /** Largest registration, bytes. @default 8 MiB */
    readonly maxRegistrationBytes: number
    /** Until a body is there whole, ms. @default 60 s */
    readonly bodyTimeoutMs: number
    /** Routes one registration may declare. @default 20000 */
    readonly maxRoutes: number
  }
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
}

export interface HttpChannel {
  /** The answer for somebody who may not ask, or undefined. A wrong key looks like no such path: 404, empty. */
  refusal(
    request: Request,
    publicKey: string,
    peer: Peer,
    what: 'registration' | 'beat' | 'request',
  ): Response | undefined
  /** `POST /h/discovery/{publicKey}/registration`. */
  register(request: Request, publicKey: string, peer: Peer): Promise<Response>
  /** `POST /h/discovery/{publicKey}/alive`, the body a service's bare name. */
  alive(request: Request, publicKey: string, peer: Peer): Promise<Response>
  /** `GET /h/discovery/{publicKey}/keys`. */
  keys(request: Request, publicKey: string, peer: Peer): Promise<Response>
}

/** Probes of one instance that a beat may cause: at most one in this time, ms (`medusa.md` 1.2). */
const PROBE_EVERY_MS = 3000
const MOST_NAME_BYTES = 1024
const MOST_PROBED = 10_000

export function createHttpChannel(deps: HttpChannelDeps): HttpChannel {
  const { registrar, keys, mayRegister, probe, settings, clock, log, metrics } = deps
  const { identity = NO_IDENTITY, random = Math.random } = deps
  const rekeying = createRekeying({ identity, random, clock })
  const told = createToldOverviews(identity)
  /** Which instances registered over a connection; clients pool theirs, so their beats come the same way. */
  const byConnection = new WeakMap<object, Map<string, string>>()
  const probed = new Map<string, { readonly at: number; readonly answered: boolean }>()

  const refusal: HttpChannel['refusal'] = (request, publicKey, peer, what) => {
    const refuse = (reason: string, status: number): Response => {
      metrics.refused(what, reason)
      log.warn({ peer: peer.address, reason }, `${what} refused`)
      return new Response(null, { status })
    }
    if (!keys.accepts(publicKey)) return refuse('wrong-key', 404)
    if (!mayRegister(peer.address)) return refuse('address', 403)
    const basic = basicCredentials(request.headers.get('authorization'))
    if (basic ? !keys.acceptsPair(...basic) : settings.requirePrivateKey)
      return refuse('wrong-private-key', 401)
    return undefined
  }

  /** Counts and logs what was wrong with a body; gives the error back to be thrown. */
  const counted = (error: unknown, what: 'registration' | 'beat', peer: Peer): unknown => {
    if (!(error instanceof HydraError)) return error
    metrics.refused(what, error.code)
    log.warn({ peer: peer.address, code: error.code, detail: error.detail }, `${what} refused`)
    return error
  }

  /**
   * The instances a beat keeps alive, in the order of `medusa.md` 1.2: the one that registered over this
   * connection, the only one of that name, the ones at this peer's address. What is still a guess is proved by
   * a connect, so that a beating sibling keeps no dead instance alive.
   */
  const beating = (name: string, peer: Peer): { sure: boolean; instances: readonly KnownInstance[] } => {
    const known = registrar.instancesOf(name).filter(({ channel }) => channel === 'http')
    const registered = byConnection.get(peer.connection)?.get(name)
    if (registered) return { sure: true, instances: known.filter(({ id }) => id === registered) }
    if (known.length <= 1) return { sure: known[0]?.peer === peer.address, instances: known }
    const here = known.filter((instance) =>
      [instance.peer, instance.host, instance.announcedHost].includes(peer.address),
    )
    return { sure: here.length === 1, instances: here.length > 0 ? here : known }
  }
  /** Whether an instance a beat may be of accepts connections; asked at most every 3 s. */
  const answers = async ({ id, host, port }: KnownInstance): Promise<boolean> => {
    const now = clock.monotonic()
    const before = probed.get(id)
    if (before && now - before.at < PROBE_EVERY_MS) return before.answered
    const answered = await probe({ host, port })
    if (probed.size >= MOST_PROBED) probed.clear()
    probed.set(id, { at: now, answered })
    if (!answered) {
      metrics.refused('beat', 'instance-does-not-answer')
      log.warn({ instance: id, host, port }, 'a beat may be of this instance, but it accepts no connection')
      registrar.suspend(id, 'refused a connection while its service beats')
    }
    return answered
  }

  /** Whoever calls an instance that comes back for a new key waits while it takes it. */
  const registerWithKey = async (
    { registration, notes }: ReadRegistration,
    peer: Peer,
  ): Promise<Registered> => {
    const { name, host, port } = registration
    const now = identity.keyId()
    const holders = registrar
      .instancesOf(name)
      .filter((known) => known.keyId !== undefined && known.keyId !== now)
      .filter((known) => known.announcedHost === host && known.port === port)
    const end = holders.length > 0 ? await identity.turnKey?.(holders.map(({ id }) => id)) : undefined
    let taken: string | undefined
    try {
      const registrant = { channel: 'http', peer: peer.address, notes } as const
      const registered = await registrar.register(registration, registrant)
      taken = identity.keyId()
      return registered
    } finally {
      end?.(taken)
    }
  }

  return {
    refusal,
    async register(request, publicKey, peer) {
      const refused = refusal(request, publicKey, peer, 'registration')
      if (refused) return refused
      try {
        const limits = { maxBytes: settings.maxRegistrationBytes, timeoutMs: settings.bodyTimeoutMs }
        const body = await readJson(request, limits, 'HYDRA_BAD_REGISTRATION')
        const read = parseRegistration(body, settings.maxRoutes)
        const registered = await registerWithKey(read, peer)
        const names = byConnection.get(peer.connection) ?? new Map<string, string>()
        byConnection.set(peer.connection, names.set(registered.service, registered.instanceId))
        return json(registrationAnswer({ registrar, identity, told }, registered))
      } catch (error) {
        throw counted(error, 'registration', peer)
      }
    },
    async alive(request, publicKey, peer) {
      const refused = refusal(request, publicKey, peer, 'beat')
      if (refused) return refused
      const name = await readText(request, {
        maxBytes: MOST_NAME_BYTES,
        timeoutMs: settings.bodyTimeoutMs,
      }).catch((error) => {
        throw counted(error, 'beat', peer)
      })
      const { sure, instances } = beating(name, peer)
      const alive = sure ? instances : await onlyThose(instances, answers)
      const renewed = alive.filter(({ id }) => registrar.beat(id))
      if (renewed.length === 0) {
        // The client registers again when it hears anything but 200 (medusa.md 1.2).
        metrics.refused('beat', 'not-registered')
        return json(false, 410)
      }
      // They stay in rotation meanwhile: all of them have just been renewed.
      const due = renewed.find(rekeying.isDue)
      if (due) {
        log.info(
          { service: name, instance: due.id },
          'told to register again: the key that signs tokens changed',
        )
        return json(false, 410)
      }
      return json(true)
    },
    async keys(request, publicKey, peer) {
      return refusal(request, publicKey, peer, 'request') ?? json(identity.keysAnswer())
    },
  }
}

async function onlyThose<T>(values: readonly T[], holds: (value: T) => Promise<boolean>): Promise<T[]> {
  const held = await Promise.all(values.map(holds))
  return values.filter((_, i) => held[i])
}

function json(value: unknown, status = 200): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  })
}

/** User and password of a Basic header (RFC 7617), or undefined when there is none that can be read. */
export function basicCredentials(
  header: string | null | undefined,
): [user: string, password: string] | undefined {
  const [, encoded] = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header ?? '') ?? []
  if (!encoded) return undefined
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : [text.slice(0, colon), text.slice(colon + 1)]
}
