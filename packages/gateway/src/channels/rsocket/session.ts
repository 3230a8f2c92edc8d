/**
 * One service's line: who may open it, what it may ask, and what its end means.
 *
 * A session speaks for one instance. The newest session of an instance is its voice: a fresh SETUP takes over from
 * the one before, whose later close then means nothing.
 *
 * @module
 */
import { randomBytes, randomUUID } from 'node:crypto'
import {
  createPeer,
  type Ended,
  ERROR_CODES,
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
import type { ServiceDesk } from '../../messaging/port.ts'
import type { OverviewPost } from '../overview-post.ts'
import type { ReadRegistration } from '../parse-registration.ts'
import type { Registered } from '../port.ts'
import { registrationAnswer } from '../registration-answer.ts'
import type { ToldOverviews } from '../told-overview.ts'
import type { Wire } from './carrier.ts'
import type { RSocketChannelDeps, RSocketChannelSettings } from './channel.ts'
import { createServiceMessages, PUSHED_BYTES } from './messages.ts'
import { openOverviewStream } from './overview-stream.ts'
import { createPageFragments } from './page-fragments.ts'
import { readBean, readSetup } from './read-setup.ts'
import { createSiteEvents } from './site-events.ts'

export interface SessionDeps extends Required<Omit<RSocketChannelDeps, 'desk' | 'journal' | 'messages'>> {
  readonly desk: FragmentDesk | undefined
  readonly journal: EventJournal | undefined
  readonly messages: ServiceDesk | undefined
  readonly settings: Required<RSocketChannelSettings>
  readonly wire: Wire
  readonly peerAddress: string
  /** Which session speaks for an instance, by its id. */
  readonly sessions: Map<string, Session>
  /** Instances that serve because of a channel; only those can be taken out again by one. */
  readonly registered: Set<string>
  readonly told: ToldOverviews
  readonly post: OverviewPost
  /** `draining`: services are sent elsewhere; `stopping`: every line ends. */
  readonly phase: () => 'open' | 'draining' | 'stopping'
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
  /** It speaks for an instance that was registered. */
  isAdmitted(): boolean
  ping(): Promise<number>
  /**
   * Asks the service to open a line elsewhere, at a moment of its own within `withinMs`. Resolves with whether it has;
   * rejects when it can't be asked.
   */
  move(withinMs: number): Promise<boolean>
  /** It has a line elsewhere, and leaves this one when it is done with it. */
  hasMoved(): boolean
  /** The service, to be asked. */
  readonly peer: Peer
}

/** Details quote what a peer sent. */
const MOST_CHARACTERS = 500
/** The end of a process is heard so long after its connections at the latest. */
const CUT_HEARD_MS = 50
/** Refused requests of one session are logged this often at most; all are counted. */
const REFUSAL_LOG_MS = 1000
/** How long an application may take to answer a ping. */
const PING_TIMEOUT_MS = 5000
/** How long a service may take to say that it has moved, after the time in which it was to set out. */
const MOVE_TIMEOUT_MS = 5000
/** Of the reason a service gives for draining. */
const MOST_REASON = 200

const { APPLICATION_ERROR, CONNECTION_CLOSE, INVALID_SETUP, REJECTED_SETUP } = ERROR_CODES

/** Starts to listen to a connection; nothing is known of its peer but the address. */
export function openSession(deps: SessionDeps): Session {
  const {
    registrar,
    keys,
    identity,
    told,
    post,
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
  let ended: Ended['by'] | undefined
  let leaving = false
  let known = false
  let admitted = false
  let answer: Registered | undefined
  let moved = false
  let refusals = 0
  let nextRefusalLog = Number.NEGATIVE_INFINITY

  const speaks = (): boolean => id !== undefined && sessions.get(id) === session

  // ---- getting in -------------------------------------------------------------------------------------

  function refusal(reason: string, code: number, problem: string, message: string): RSocketError {
    metrics.refused('channel', reason)
    log.warn({ reason, detail: message.slice(0, MOST_CHARACTERS) }, 'channel refused')
    return new RSocketError(code, message, problem)
  }

  async function onSetup(setup: Setup): Promise<void> {
    const read = readSetup(setup, { keys, settings, refusal })
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
    admitted = true
    if (!ended) deps.onState('open')
  }

  /** Registers, and takes it back when the line was closed meanwhile. */
  async function register({ registration, notes }: ReadRegistration): Promise<Registered> {
    registering++
    try {
      const said = await registrar.register(
        { ...registration, instanceId: id },
        { channel: 'rsocket', peer: peerAddress, notes },
      )
      const refused = deps.messages?.refusedOf(registration) ?? []
      answer = refused.length > 0 ? { ...said, refused: [...said.refused, ...refused] } : said
      registered.add(answer.instanceId)
      return answer
    } finally {
      registering--
      if (ended && registering === 0 && speaks()) stopSpeaking(ended)
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

  function drain(data: unknown): boolean {
    const instance = own(data, 'channel')
    const said = field(data, 'reason')
    const reason = typeof said === 'string' && said !== '' ? `: ${said.slice(0, MOST_REASON)}` : ''
    return registrar.drain(instance, `it asked for it${reason}`) || registrar.beat(instance)
  }

  function resume(data: unknown): boolean {
    const instance = own(data, 'channel')
    return registrar.resume(instance, 'it asked for it') || registrar.beat(instance)
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

  /** What the registration came to that is served now. */
  function whatWasRegistered(): unknown {
    if (!answer) throw new HydraError('HYDRA_CONFLICT', 'nothing is registered by this channel')
    return registrationAnswer({ registrar, identity, told }, answer, { withServices: false })
  }

  function overview(data: unknown, sink: Sink): Source {
    const has = { hash: field(data, 'hash'), parts: field(data, 'parts') }
    return openOverviewStream({ registrar, told, post, service, sink, ...has })
  }

  /** Takes an instance out of the rotation, unless it never was in it by a channel. */
  function suspend(instance: string, reason: string): void {
    if (registered.delete(instance)) registrar.suspend(instance, reason)
  }

  // ---- its end ----------------------------------------------------------------------------------------

  function stopSpeaking(by: Ended['by']): void {
    if (id === undefined || !speaks()) return
    if (registering === 0) sessions.delete(id)
    if (leaving || isOurDoing(by)) return
    if (wire.wasCutHere === undefined) suspend(id, 'connection closed')
    else suspendUnlessCut(id, wire.wasCutHere)
  }

  /**
   * A process of ours that dies takes lines along whose services are well: they are given their lease to come back in. That it
   * died is heard a moment after its connections broke.
   */
  function suspendUnlessCut(instance: string, wasCutHere: () => boolean): void {
    clock.after(CUT_HEARD_MS, () => {
      if (sessions.has(instance)) return
      if (!wasCutHere()) suspend(instance, 'connection closed')
      else if (registered.delete(instance))
        log.info('its worker died: the instance stays until its lease is over')
    })
  }

  /** When the gateway stops its services are not down: another node hears them within their lease. */
  function isOurDoing(by: Ended['by']): boolean {
    const phase = deps.phase()
    return phase === 'stopping' || (phase === 'draining' && (by === 'here' || by === 'peer'))
  }

  function onEnd({ by, reason, error }: Ended): void {
    ended = by
    pages.end()
    events.end()
    stopSpeaking(by)
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
  const messages = createServiceMessages({
    desk: deps.messages,
    speaker: () =>
      id !== undefined && service !== undefined && admitted ? { service, instance: id } : undefined,
    settings,
    clock,
    newId: randomUUID,
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
      [ROUTES.message]: settings.maxMessageBytes,
      [ROUTES.push]: settings.maxMessageBytes + PUSHED_BYTES,
    },
    routes: {
      requests: {
        [ROUTES.registration]: registerAgain,
        [ROUTES.registered]: whatWasRegistered,
        [ROUTES.deregister]: deregister,
        [ROUTES.drain]: drain,
        [ROUTES.resume]: resume,
        [ROUTES.keys]: () => identity.keysAnswer(),
        [ROUTES.ping]: () => true,
        [ROUTES.fragments]: pages.request,
        [ROUTES.message]: messages.send,
        [ROUTES.push]: messages.push,
        [ROUTES.find]: messages.find,
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
    isAdmitted: () => admitted,
    peer,
    hasMoved: () => moved,
    async move(withinMs) {
      moved = (await peer.request(ROUTES.move, { withinMs }, withinMs + MOVE_TIMEOUT_MS)) === true
      return moved
    },
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

function field(data: unknown, name: string): unknown {
  return typeof data === 'object' && data !== null && Object.hasOwn(data, name)
    ? (data as Record<string, unknown>)[name]
    : undefined
}
