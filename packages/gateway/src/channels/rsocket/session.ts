/**
 * One service's line: who may open it, what it may ask, and what its end means.
 *
 * A session speaks for one instance. The newest session of an instance is its voice: a fresh SETUP takes over from
 * the one before, whose later close then means nothing.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import type { Overview } from '@hydra-gateway/protocol'
import {
  createPeer,
  type Ended,
  ERROR_CODES,
  KEEP_ALIVE_MS,
  LIFETIME_MS,
  type Peer,
  ROUTES,
  RSocketError,
  type Setup,
  type Sink,
  type Source,
} from '@hydra-gateway/protocol/rsocket'
import { HydraError } from '../../errors.ts'
import type { EventJournal } from '../../events/port.ts'
import type { FragmentDesk } from '../../fragments/port.ts'
import { hasForbiddenKey } from '../json-body.ts'
import { parseRegistration, type ReadRegistration } from '../parse-registration.ts'
import type { Registered } from '../port.ts'
import { registrationAnswer } from '../registration-answer.ts'
import type { ToldOverviews } from '../told-overview.ts'
import type { Wire } from './carrier.ts'
import type { RSocketChannelDeps, RSocketChannelSettings } from './channel.ts'
import { createPageFragments } from './page-fragments.ts'
import { createSiteEvents } from './site-events.ts'

export interface SessionDeps extends Required<Omit<RSocketChannelDeps, 'desk' | 'journal'>> {
  readonly desk: FragmentDesk | undefined
  readonly journal: EventJournal | undefined
  readonly settings: Required<RSocketChannelSettings>
  readonly wire: Wire
  readonly peerAddress: string
  /** Which session speaks for an instance, by its id. */
  readonly sessions: Map<string, Session>
  /** Instances that serve because of a channel; only those can be taken out again by one. */
  readonly registered: Set<string>
  readonly told: ToldOverviews
  readonly isStopping: () => boolean
  /** It was let in, or it ended. */
  readonly onState: (state: 'open' | 'ended') => void
}

export interface Session {
  receive(frame: Buffer): void
  lost(reason: string): void
  refuse(reason: string, error: RSocketError): void
  close(error: RSocketError): void
  isOpen(): boolean
  isKnown(): boolean
  ping(): Promise<number>
  /** The service, to be asked. */
  readonly peer: Peer
}

/** Details quote what a peer sent. */
const MOST_CHARACTERS = 500
/** Refused requests of one session are logged this often at most; all are counted. */
const REFUSAL_LOG_MS = 1000
/** How long an application may take to answer a ping. */
const PING_TIMEOUT_MS = 5000

const { APPLICATION_ERROR, CONNECTION_CLOSE, INVALID_SETUP, REJECTED_SETUP } = ERROR_CODES

/** Starts to listen to a connection; nothing is known of its peer but the address. */
export function openSession(deps: SessionDeps): Session {
  const {
    registrar,
    keys,
    identity,
    told,
    settings,
    clock,
    metrics,
    peerAddress,
    sessions,
    registered,
    wire,
  } = deps
  let log = deps.log.child({ peer: peerAddress })
  let id: string | undefined
  let service: string | undefined
  let registering = 0
  let ended = false
  let leaving = false
  let known = false
  let refusals = 0
  let nextRefusalLog = Number.NEGATIVE_INFINITY

  const speaks = (): boolean => id !== undefined && sessions.get(id) === session

  // ---- getting in -------------------------------------------------------------------------------------

  function refusal(reason: string, code: number, problem: string, message: string): RSocketError {
    metrics.refused('channel', reason)
    log.warn({ reason, detail: message.slice(0, MOST_CHARACTERS) }, 'channel refused')
    return new RSocketError(code, message, problem)
  }

  /** Reads a SETUP in the order that tells strangers least: keys, manners, registration. */
  function admitted(setup: Setup): ReadRegistration {
    const { credentials } = setup
    if (!credentials || !keys.accepts(credentials.publicKey, credentials.privateKey)) {
      throw refusal(
        'wrong-keys',
        REJECTED_SETUP,
        'HYDRA_UNAUTHORIZED',
        credentials ? 'the keys are wrong' : 'SETUP carries no keys',
      )
    }
    const { keepAliveMs, lifetimeMs } = setup
    // `medusa.md` 7.2: otherwise a silent death would be noticed later than promised.
    if (keepAliveMs < 1 || keepAliveMs > KEEP_ALIVE_MS || lifetimeMs < 1 || lifetimeMs > LIFETIME_MS) {
      throw refusal(
        'keep-alive',
        REJECTED_SETUP,
        'HYDRA_BAD_REQUEST',
        `keepAlive may be ${KEEP_ALIVE_MS} ms and lifetime ${LIFETIME_MS} ms at most`,
      )
    }
    if (setup.route !== ROUTES.setup) {
      throw refusal(
        'unknown-setup',
        INVALID_SETUP,
        'HYDRA_BAD_REQUEST',
        `the route of SETUP must be ${ROUTES.setup}`,
      )
    }
    if (setup.sizeBytes > settings.maxRegistrationBytes) {
      throw refusal(
        'data-too-large',
        INVALID_SETUP,
        'HYDRA_TOO_LARGE',
        `a registration may have ${settings.maxRegistrationBytes} bytes`,
      )
    }
    try {
      return readBean(setup.readData(), settings.maxRoutes)
    } catch (error) {
      throw refusal('bad-registration', INVALID_SETUP, 'HYDRA_BAD_REGISTRATION', (error as Error).message)
    }
  }

  async function onSetup(setup: Setup): Promise<void> {
    const read = admitted(setup)
    const { registration } = read
    known = true
    id = registration.instanceId ?? randomBytes(16).toString('hex')
    service = registration.name
    log = log.child({ instance: id, service })
    const before = sessions.get(id)
    sessions.set(id, session)
    before?.close(new RSocketError(CONNECTION_CLOSE, 'a newer session of this instance took over'))
    try {
      await register(read)
    } catch (error) {
      if (speaks()) {
        sessions.delete(id)
        suspend(id, 'its new registration was refused')
      }
      if (error instanceof HydraError)
        throw refusal('bad-registration', INVALID_SETUP, error.code, error.message)
      log.error({ err: error }, 'registration failed')
      throw new RSocketError(REJECTED_SETUP, 'internal error', 'HYDRA_INTERNAL')
    }
    if (!ended) deps.onState('open')
  }

  /** Registers, and takes it back when the line was closed meanwhile. */
  async function register({ registration, notes }: ReadRegistration): Promise<Registered> {
    registering++
    try {
      const answer = await registrar.register(
        { ...registration, instanceId: id },
        { channel: 'rsocket', peer: peerAddress, notes },
      )
      registered.add(answer.instanceId)
      return answer
    } finally {
      registering--
      if (ended && registering === 0 && speaks()) stopSpeaking('connection closed')
    }
  }

  // ---- while it is open -------------------------------------------------------------------------------

  /** The instance a request is about: the session's own, or an error. */
  function own(data: unknown, what: 'beat' | 'channel'): string {
    const named = field(data, 'instanceId')
    if (id === undefined || (named !== undefined && named !== null && named !== id)) {
      metrics.refused(what, 'foreign-instance')
      log.warn({ reason: 'foreign-instance' }, `${what} refused`)
      throw new RSocketError(
        APPLICATION_ERROR,
        'a channel speaks for its own instance only',
        'HYDRA_UNAUTHORIZED',
      )
    }
    return id
  }

  function alive(data: unknown): void {
    const known = registrar.beat(own(data, 'beat'))
    // Forgotten, by an operator or a lapsed lease: a fresh SETUP registers it again.
    if (!known && !leaving && registering === 0)
      peer.close(new RSocketError(CONNECTION_CLOSE, 'this instance is not known any more', 'HYDRA_CONFLICT'))
  }

  function deregister(data: unknown): boolean {
    const instance = own(data, 'channel')
    leaving = true
    return (
      registered.delete(instance) &&
      registrar.deregister(instance, { forget: field(data, 'forget') === true })
    )
  }

  async function registerAgain(data: unknown): Promise<unknown> {
    own(data, 'channel')
    try {
      const registered = await register(readBean(data, settings.maxRoutes))
      leaving = false
      return registrationAnswer({ registrar, identity, told }, registered)
    } catch (error) {
      if (error instanceof HydraError)
        throw refusal('bad-registration', APPLICATION_ERROR, error.code, error.message)
      throw error
    }
  }

  /** Snapshot first unless the service has it, then the latest whenever there is demand. */
  function overview(data: unknown, sink: Sink): Source {
    let has = field(data, 'hash')
    let demand = 0
    let latest: Overview | undefined
    const offer = (next: Overview): void => {
      latest = told.hashOf(next, service) === has ? undefined : next
      if (!latest || demand === 0) return
      demand--
      has = told.hashOf(latest, service)
      sink.next(told.bytesOf(latest, service))
      latest = undefined
    }
    const stop = registrar.onOverview(offer)
    offer(registrar.overview())
    return {
      request(count) {
        demand += count
        if (latest) offer(latest)
      },
      cancel: stop,
    }
  }

  /** Takes an instance out of the rotation, unless it never was in it by a channel. */
  function suspend(instance: string, reason: string): void {
    if (registered.delete(instance)) registrar.suspend(instance, reason)
  }

  // ---- its end ----------------------------------------------------------------------------------------

  function stopSpeaking(reason: string): void {
    if (id === undefined || !speaks()) return
    if (registering === 0) sessions.delete(id)
    // When the gateway stops its services are not down: another node may hear them within their lease.
    if (!leaving && !deps.isStopping()) suspend(id, reason)
  }

  function onEnd({ by, reason, error }: Ended): void {
    ended = true
    pages.end()
    events.end()
    stopSpeaking('connection closed')
    deps.onState('ended')
    if (by === 'refused' && reason !== 'setup') {
      metrics.refused('channel', reason)
      log.warn({ reason, detail: error.message.slice(0, MOST_CHARACTERS) }, 'channel refused')
    } else if (id !== undefined) {
      log.info({ by, reason: error.message.slice(0, MOST_CHARACTERS) }, 'channel closed')
    }
  }

  const events = createSiteEvents(deps.journal)
  const pages = createPageFragments({
    desk: deps.desk,
    service: () => service,
    onOversize() {
      metrics.fragmentDropped('answer-too-large')
      log.warn({ what: 'answer-too-large', detail: 'it does not fit into a frame' }, 'fallback shown')
    },
  })
  const { peer, receive, lost } = createPeer({
    link: wire,
    timers: clock,
    onSetup,
    onEnd,
    onFault: (error, route) => log.error({ err: error, route }, 'channel request failed'),
    onRefused: (reason) => {
      metrics.refused('channel', reason)
      refusals++
      const now = clock.monotonic()
      if (now < nextRefusalLog) return
      nextRefusalLog = now + REFUSAL_LOG_MS
      log.warn({ reason, count: refusals }, 'channel request refused')
      refusals = 0
    },
    maxDataBytes: settings.maxFrameBytes,
    limits: { maxStreams: settings.maxStreams },
    larger: {
      [ROUTES.registration]: settings.maxRegistrationBytes,
      [ROUTES.fragments]: settings.maxCallBytes,
    },
    routes: {
      requests: {
        [ROUTES.registration]: registerAgain,
        [ROUTES.deregister]: deregister,
        [ROUTES.keys]: () => identity.keysAnswer(),
        [ROUTES.ping]: () => true,
        [ROUTES.fragments]: pages.request,
      },
      streams: {
        [ROUTES.overview]: overview,
        [ROUTES.fragments]: pages.stream,
        [ROUTES.events]: events.stream,
      },
      signals: { [ROUTES.alive]: alive },
    },
  })

  const session: Session = {
    receive,
    lost,
    refuse: peer.refuse,
    close: peer.close,
    isOpen: peer.isOpen,
    isKnown: () => known,
    peer,
    async ping() {
      const asked = clock.monotonic()
      await peer.request(ROUTES.ping, {}, PING_TIMEOUT_MS)
      return clock.monotonic() - asked
    },
  }
  // Told at once: a stranger's frames are not even gathered.
  if (!deps.mayRegister(peerAddress)) {
    const message = 'services may not register from this address (registration.from)'
    session.refuse('peer-not-allowed', new RSocketError(REJECTED_SETUP, message, 'HYDRA_FORBIDDEN_ADDRESS'))
  }
  return session
}

/** @throws HydraError HYDRA_BAD_REGISTRATION, HYDRA_TOO_LARGE */
function readBean(data: unknown, maxRoutes: number): ReadRegistration {
  if (hasForbiddenKey(data)) {
    throw new HydraError('HYDRA_BAD_REGISTRATION', 'the keys __proto__ and constructor can not be used')
  }
  return parseRegistration(data, maxRoutes)
}

function field(data: unknown, name: string): unknown {
  return typeof data === 'object' && data !== null && Object.hasOwn(data, name)
    ? (data as Record<string, unknown>)[name]
    : undefined
}
