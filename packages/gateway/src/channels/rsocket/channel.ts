/**
 * The RSocket channel: services that keep a line open (`medusa.md` 7), over TCP and over WebSocket.
 *
 * This file lets connections in and knows which session speaks for which instance; `session.ts` is one service's
 * line, `tcp.ts` and `websocket.ts` carry its frames. What a stranger sends costs that stranger's connection only,
 * is counted as `hydra_refused_total{what="channel"}` and logged with its reason.
 *
 * @module
 */
import { ERROR_CODES, MAX_FRAME_BYTES, type Peer, RSocketError } from '@hydra-gateway/protocol/rsocket'
import type { EventJournal } from '../../events/port.ts'
import type { FragmentDesk } from '../../fragments/port.ts'
import { NO_IDENTITY } from '../../identity/no-identity.ts'
import type { IdentityFacts } from '../../identity/port.ts'
import type { ServiceDesk } from '../../messaging/port.ts'
import type { Clock } from '../../observe/clock.ts'
import type { Log } from '../../observe/log.ts'
import type { Metrics } from '../../observe/metrics.ts'
import type { TakenOver } from '../../proxy/exchange.ts'
import { createOverviewPost } from '../overview-post.ts'
import type { Registrar } from '../port.ts'
import { createToldOverviews } from '../told-overview.ts'
import { type Accept, GOODBYE_MS, type Wire } from './carrier.ts'
import { sendElsewhere } from './elsewhere.ts'
import { createDeliveries, type Deliveries, MESSAGE_DEFAULTS, type MessageSettings } from './messages.ts'
import { openSession, type Session } from './session.ts'
import { listenTcp, type TcpListener } from './tcp.ts'
import { createUpgrader } from './websocket.ts'

export interface RSocketChannelSettings extends MessageSettings {
  /** Largest request for fragments of a page. @default 1 MiB */
  readonly maxCallBytes?: number
  /** Largest data of a request that is not a registration. @default 1 MiB */
  readonly maxFrameBytes?: number
  /** Requests a service may have open at a time; those above are refused, and answered so. @default 1024 */
  readonly maxStreams?: number
  readonly maxRegistrationBytes: number
  /** Routes one registration may declare. */
  readonly maxRoutes: number
}

export interface RSocketChannelDeps {
  readonly registrar: Registrar
  readonly keys: { accepts(publicKey: string, privateKey: string): boolean }
  /** Whether a peer at this address may register (`registration.from`). */
  readonly mayRegister: (peerAddress: string) => boolean
  /** What services are told of keys and roles. @default nobody can sign in */
  readonly identity?: IdentityFacts
  /** Where services ask for fragments of their pages. @default nobody resolves them */
  readonly desk?: FragmentDesk | undefined
  /** What services may follow. @default nobody keeps events */
  readonly journal?: EventJournal | undefined
  /** Where services send messages, and look for others. @default nobody carries any */
  readonly messages?: ServiceDesk | undefined
  readonly settings: RSocketChannelSettings
  /** 0 to 1, as Math.random: each service leaves a stopping node at a moment of its own. */
  readonly random?: () => number
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Pick<Metrics, 'refused' | 'gauge' | 'fragmentDropped'>
}

export interface RSocketChannel extends Deliveries {
  /** Opens the TCP port (0: any free one), or takes one that listens already as `fd`. Rejects when it can't be had. */
  listenTcp(port: number, host?: string, fd?: number): Promise<TcpListener>
  /** Takes an upgrade request over, as `Exchange.takeOver()` gives it. `peerAddress` is the TCP peer's; `wasCutHere`: see `Wire`. */
  handleUpgrade(upgrade: TakenOver, peerAddress: string, wasCutHere?: () => boolean): void
  /** Round trip to an instance's application in ms; undefined when it has no channel here. Rejects when it stays silent. */
  ping(instanceId: string): Promise<number | undefined>
  /** The open line of an instance, to ask it; undefined when it has none here. The same object while the line is. */
  lineOf(instanceId: string): Peer | undefined
  /** Connections that are open. */
  readonly size: number
  /** Takes no more connections over TCP; those that are open stay. */
  stopListening(): void
  /**
   * Sends every service to another node, over `spreadMs`; whoever comes now is sent on at once. Resolves when all have
   * left, or when the time is over; `close` comes next.
   */
  drain(spreadMs: number): Promise<void>
  /** Tells every service that the gateway stops, waits up to `graceMs` for them to leave, then cuts the rest off. @default 1000 */
  close(graceMs?: number): Promise<void>
}

/** Connections of one address, and of all, that may be undecided at a time. */
const MOST_UNDECIDED = { perAddress: 256, all: 1024 }
const DEFAULT_FRAME_BYTES = 1024 * 1024
const DEFAULT_STREAMS = 1024
/** Whom it was told last needs a moment to be there. */
const MOVING_MS = 1000
/** What a SETUP frame has beside the registration: keys and headers. */
const SETUP_ROOM_BYTES = 16_384

const goodbye = (): RSocketError =>
  new RSocketError(ERROR_CODES.CONNECTION_CLOSE, 'the gateway is stopping', 'HYDRA_STOPPING')

export function createRSocketChannel(deps: RSocketChannelDeps): RSocketChannel {
  const { settings, clock, log, metrics, identity = NO_IDENTITY, random = Math.random } = deps
  const {
    maxFrameBytes = DEFAULT_FRAME_BYTES,
    maxStreams = DEFAULT_STREAMS,
    maxCallBytes = DEFAULT_FRAME_BYTES,
    maxRegistrationBytes,
    maxRoutes,
  } = settings
  const messageSettings = withDefaults(settings, maxFrameBytes)
  const sessions = new Map<string, Session>()
  const registered = new Set<string>()
  const wires = new Map<Wire, Session>()
  const undecided = new Map<string, number>()
  const listeners: TcpListener[] = []
  const told = createToldOverviews(identity)
  const post = createOverviewPost({ clock })
  const stopListening = deps.registrar.onOverview(post.changed)
  let undecidedInAll = 0
  let channels = 0
  let phase: 'open' | 'draining' | 'stopping' = 'open'
  /** Called whenever a connection is gone while the gateway stops. */
  let onGone = (_session: Session): void => {}
  let stopDraining = (): void => {}

  const refused = (peer: string, reason: string): void => {
    metrics.refused('channel', reason)
    log.warn({ peer, reason }, 'channel refused')
  }
  const count = (peer: string, by: 1 | -1): void => {
    const now = (undecided.get(peer) ?? 0) + by
    if (now === 0) undecided.delete(peer)
    else undecided.set(peer, now)
    undecidedInAll += by
  }

  const accept: Accept = (peerAddress, wire) => {
    if (phase === 'stopping') return undefined
    if (
      (undecided.get(peerAddress) ?? 0) >= MOST_UNDECIDED.perAddress ||
      undecidedInAll >= MOST_UNDECIDED.all
    ) {
      refused(peerAddress, 'too-many-undecided')
      return undefined
    }
    count(peerAddress, 1)
    let waiting = true
    let counted = false
    const session = openSession({
      ...deps,
      identity,
      desk: deps.desk,
      journal: deps.journal,
      messages: deps.messages,
      settings: {
        maxFrameBytes,
        maxStreams,
        maxCallBytes,
        maxRegistrationBytes,
        maxRoutes,
        ...messageSettings,
      },
      wire,
      peerAddress,
      sessions,
      registered,
      told,
      post,
      random,
      phase: () => phase,
      onState(state) {
        if (waiting) count(peerAddress, -1)
        waiting = false
        if (state === 'open' || counted) metrics.gauge('channels', state === 'open' ? ++channels : --channels)
        counted = state === 'open'
      },
    })
    wires.set(wire, session)
    // With a reason: a client that knows of other nodes tries one of them at once.
    if (phase === 'draining') session.close(goodbye())
    return {
      ...session,
      gone() {
        session.lost('closed')
        wires.delete(wire)
        onGone(session)
      },
    }
  }

  // Of strangers: room for a SETUP. Services that were let in may send what a frame can have, as their answers may be
  // large; `session.ts` holds each route to its own limit.
  const limitBytes = Math.min(
    MAX_FRAME_BYTES,
    Math.max(maxFrameBytes, maxRegistrationBytes, messageSettings.maxMessageBytes) + SETUP_ROOM_BYTES,
  )
  const upgrader = createUpgrader({ accept, maxFrameBytes: limitBytes, clock, onRefused: refused })

  const lineOf = (instanceId: string): Peer | undefined => {
    const session = sessions.get(instanceId)
    return session?.isOpen() && !session.hasMoved() ? session.peer : undefined
  }

  return {
    ...createDeliveries({ lineOf, settings: messageSettings }),
    async listenTcp(port, host, fd) {
      const listener = await listenTcp({ port, host, fd, accept, maxFrameBytes: limitBytes, clock, log })
      listeners.push(listener)
      return listener
    },
    handleUpgrade: upgrader.handle,
    async ping(instanceId) {
      return sessions.get(instanceId)?.ping()
    },
    lineOf,
    get size() {
      return wires.size
    },
    stopListening() {
      for (const listener of listeners) void listener.close()
    },
    async drain(spreadMs) {
      if (phase !== 'open') return
      phase = 'draining'
      const here = new Set(wires.values())
      if (here.size > 0) log.info({ channels: here.size, spreadMs }, 'services are sent to other nodes')
      const stopSending = sendElsewhere({ sessions: here, spreadMs, goodbye: goodbye(), random, clock })
      await new Promise<void>((resolve) => {
        const stopWaiting = clock.after(spreadMs === 0 ? 0 : spreadMs + MOVING_MS, resolve)
        stopDraining = () => {
          stopSending()
          stopWaiting()
          resolve()
        }
        onGone = (session) => {
          here.delete(session)
          if (here.size === 0) stopDraining()
        }
        if (here.size === 0) stopDraining()
      })
      stopSending()
      if (here.size > 0) log.info({ channels: here.size }, 'services that found no other node')
    },
    async close(graceMs = GOODBYE_MS) {
      if (phase === 'stopping') return
      phase = 'stopping'
      stopListening()
      stopDraining()
      const closed = listeners.map((listener) => listener.close())
      for (const session of [...wires.values()]) session.close(goodbye())
      await new Promise<void>((resolve) => {
        const stopWaiting = clock.after(graceMs, () => {
          for (const wire of [...wires.keys()]) wire.destroy()
          resolve()
        })
        onGone = () => {
          if (wires.size > 0) return
          stopWaiting()
          resolve()
        }
        if (wires.size === 0) {
          stopWaiting()
          resolve()
        }
      })
      await Promise.all(closed)
    },
  }
}

function withDefaults(given: MessageSettings, maxFrameBytes: number): Required<MessageSettings> {
  const {
    maxMessageBytes = maxFrameBytes,
    maxMessages = MESSAGE_DEFAULTS.maxMessages,
    maxPendingBytes = MESSAGE_DEFAULTS.maxPendingBytes,
  } = given
  return {
    ...{ maxMessageBytes, maxMessages, maxPendingBytes },
    get takeTimeoutMs() {
      return given.takeTimeoutMs ?? MESSAGE_DEFAULTS.takeTimeoutMs
    },
  }
}
