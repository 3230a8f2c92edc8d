/**
 * Takes WebSocket upgrades over and makes clients of them: admission, who is signed in, the connection message, frames, and
 * the end of it.
 *
 * @module
 */
import type { Duplex } from 'node:stream'
import { SESSION_TYPES, UMF_TYPES, type UmfMessage } from '@hydra-gateway/protocol/umf'
import type { WebSocket } from 'ws'
import type { RouteGuard } from '../identity/port.ts'
import type { SessionBook } from '../identity/session-book.ts'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { createWebSockets } from '../proxy/websockets.ts'
import { isToRouter } from './addressed.ts'
import { createBehindTotal } from './behind-total.ts'
import { type ClassicSession, createClassicSession } from './classic-session.ts'
import type { ClientAdmission, ClientRefusal } from './client-admission.ts'
import type { ClientIds } from './client-ids.ts'
import {
  CLOSE_CODES,
  type ClientFacts,
  type ClientSession,
  type LocalClients,
  type Resuming,
} from './client-session.ts'
import { ClientSocket, GOODBYE_MS, type SocketHost } from './client-socket.ts'
import { createFairTurns } from './fair-turns.ts'
import type { Frames } from './frames.ts'
import { createHeartbeat } from './heartbeat.ts'
import type { OwnedMail } from './owned-mail.ts'
import type { RouterWords } from './router-words.ts'
import type { MessageSettings } from './settings.ts'
import { createUnfinishedTotal } from './unfinished-total.ts'
import type { AskAboutClient } from './websocket-auth.ts'

/** What sockets ask of identity. */
export interface ClientIdentity {
  readonly guard: Pick<RouteGuard, 'identify'>
  readonly book: Pick<SessionBook, 'opened'>
}

export interface ClientSocketsDeps {
  readonly settings: MessageSettings
  readonly admission: ClientAdmission
  /** @default nobody can sign in */
  readonly identity?: ClientIdentity | undefined
  readonly ask: AskAboutClient
  readonly ids: Pick<ClientIds, 'mint'>
  readonly locals: LocalClients
  readonly mail: Pick<OwnedMail, 'opened' | 'left'>
  readonly frames: () => Frames
  readonly words: RouterWords
  /** @default clients are not offered to resume */
  readonly resuming?: Pick<Resuming, 'begin'> | undefined
  /** Answers an exchange with a problem. */
  readonly refuse: (exchange: Exchange, refusal: ClientRefusal) => void
  readonly clock: Clock
  readonly log: Pick<Log, 'error' | 'warn' | 'debug'>
  readonly metrics: Pick<Metrics, 'refused' | 'messages'>
}

export interface ClientSockets {
  /** Takes an upgrade over, or answers why not. */
  accept(exchange: Exchange): void
  /** The socket of a session has another one from now on. */
  replace(before: ClientSession, session: ClientSession): void
  /**
   * Says goodbye to all, and to those that come from now on; resolves when they are closed, two seconds after the last was
   * told at most. `spreadMs`: told one after the other in so long.
   */
  endAll(code: number, reason: string, spreadMs: number): Promise<void>
  /** Open sockets. */
  readonly size: number
  close(): void
}

/** What a socket belongs to. */
interface Holder {
  session: ClientSession
  readonly facts: ClientFacts
  /** Nothing was heard of it yet. */
  isFresh: boolean
  /** Frames that wait until its session has begun, or has its former id. */
  held: string[] | undefined
  readonly leave: () => void
}

/** Frames of a client while it is not settled which session it has. */
const MOST_HELD = 256
/** Of refused frames larger than this, the id is not looked for. */
const SMALL_CHARACTERS = 16 * 1024

export function createClientSockets(deps: ClientSocketsDeps): ClientSockets {
  const { settings, admission, identity, ask, ids, locals, mail, frames, words, resuming } = deps
  const { refuse, clock, log, metrics } = deps
  const holders = new Map<ClientSocket, Holder>()
  const bySession = new Map<ClientSession, ClientSocket>()
  const heartbeat = createHeartbeat(settings, clock)
  const openWebSocket = createWebSockets({
    maxBytes: settings.maxBytes,
    clock,
    onRefused: () => metrics.refused('upgrade', 'bad-handshake'),
  })
  let goodbye: { readonly code: number; readonly reason: string } | undefined
  let onEmpty: (() => void)[] = []

  const behind = createBehindTotal({ settings, lines: () => holders.keys(), clock, log })
  const unfinished = createUnfinishedTotal({ settings, sockets: () => holders.keys(), clock, log })
  const turns = createFairTurns<ClientSocket>(clock)
  const host: SocketHost = {
    settings,
    clock,
    onSent: behind.sent,
    onUnfinished: unfinished.changed,
    onText: (socket, text) =>
      turns.take(socket, () => {
        const holder = holders.get(socket)
        return holder && !socket.isCut ? heard(socket, holder, text) : undefined
      }),
    onTooMany(socket, text) {
      metrics.messages.failed('throttled')
      holders
        .get(socket)
        ?.session.tell(
          words.error('too many messages', text.length <= SMALL_CHARACTERS ? idOf(text) : undefined),
        )
    },
    // What it said before it left is still heard, in its turn.
    onClosed: (socket, code) => void turns.take(socket, () => closed(socket, code)),
  }

  function closed(socket: ClientSocket, code: number): void {
    const holder = holders.get(socket)
    if (!holder) return
    holders.delete(socket)
    bySession.delete(holder.session)
    heartbeat.delete(socket)
    metrics.messages.closed(code)
    leaveSession(holder)
    holder.leave()
    if (holders.size > 0) return
    const waiting = onEmpty
    onEmpty = []
    for (const resolve of waiting) resolve()
  }

  /** A session has no socket here any more. */
  function leaveSession({ session, isFresh }: Holder): void {
    session.gone()
    // Another socket may have taken its id over meanwhile.
    const isIts = locals.get(session.id) === session
    if (isIts && !isFresh && session.kind === 'classic' && session.caller)
      mail.left(session.id, session.caller)
    locals.remove(session)
  }

  function heard(socket: ClientSocket, holder: Holder, text: string): Promise<void> | undefined {
    if (!holder.held) return onText(socket, holder, text)
    if (holder.held.push(text) > MOST_HELD) socket.close(CLOSE_CODES.throttled, 'too many messages')
    return undefined
  }

  /** It is settled which session it has: what waited is handled as what that one says. */
  function goOn(socket: ClientSocket, holder: Holder): void {
    const { held = [] } = holder
    holder.held = undefined
    for (const text of held) if (socket.isOpen) void heard(socket, holder, text)
  }

  function onText(socket: ClientSocket, holder: Holder, text: string): Promise<void> | undefined {
    const message = frames().read(holder.session, text)
    if (!message) {
      metrics.messages.failed('invalid')
      return undefined
    }
    const isFirst = holder.isFresh
    holder.isFresh = false
    if (isFirst && resuming && isSession(message)) return begin(socket, holder, message)
    // Of whoever said nothing nobody knows the id: nothing has to be kept about it.
    if (isFirst) remember(holder.session)
    if (isForOthers(message)) holder.session.spoke?.()
    return isReconnect(message) ? rejoin(socket, holder, message) : handle(holder, message)
  }

  function handle({ session }: Holder, message: UmfMessage): Promise<void> {
    return frames()
      .handle(session, message)
      .catch((error) => log.error({ err: error, client: session.id }, 'a frame could not be handled'))
  }

  /** The client wants its former id: frames wait until it has it, or was refused. */
  async function rejoin(socket: ClientSocket, holder: Holder, message: UmfMessage): Promise<void> {
    const held: string[] = []
    holder.held = held
    await handle(holder, message)
    // Otherwise they went on when it got it: they don't wait for its mail.
    if (holder.held === held) goOn(socket, holder)
  }

  /** The client wants a session that resumes: frames wait until it has begun. */
  async function begin(socket: ClientSocket, holder: Holder, message: UmfMessage): Promise<void> {
    holder.held = []
    try {
      const session = await resuming!.begin(socket, message, holder.facts)
      if (session) take(socket, holder, session)
    } catch (error) {
      log.error({ err: error }, 'a session could not begin')
      socket.close(CLOSE_CODES.internal, 'the session could not begin')
    }
    goOn(socket, holder)
  }

  /** A socket has another session. */
  function take(socket: ClientSocket, holder: Holder, session: ClientSession): void {
    const { session: before } = holder
    bySession.delete(before)
    locals.remove(before)
    if (before.kind === 'classic' && before.id !== session.id) before.gone()
    if (!holders.has(socket)) {
      // It closed meanwhile.
      session.gone()
      return
    }
    holder.session = session
    bySession.set(session, socket)
    locals.add(session)
    remember(session)
  }

  function remember(session: ClientSession): void {
    if (session.kind === 'classic' && session.caller) mail.opened(session.id, session.caller)
  }

  /** Everything is settled: the socket becomes a client. */
  function open(webSocket: WebSocket, stream: Duplex, facts: ClientFacts, leave: () => void): void {
    const socket = new ClientSocket(host, webSocket, stream, facts.address)
    const session: ClassicSession = createClassicSession(
      ids.mint('classic', facts.caller?.sid),
      socket,
      facts,
      clock,
    )
    holders.set(socket, { session, facts, isFresh: true, held: undefined, leave })
    bySession.set(session, socket)
    heartbeat.add(socket)
    if (goodbye) {
      socket.close(goodbye.code, goodbye.reason)
      return
    }
    const { address: ip, authAnswer } = facts
    session.tell(
      words.connection(session.id, {
        ip,
        ...(authAnswer === undefined ? {} : { authResponse: authAnswer }),
        ...(resuming ? { resume: 1 } : {}),
      }),
    )
    locals.add(session)
  }

  async function settle(exchange: Exchange, isStranger: boolean, leave: () => void): Promise<void> {
    if (!isStranger) await identity?.guard.identify(exchange)
    let authAnswer: unknown
    let isKnown = true
    try {
      authAnswer = await ask(exchange)
    } catch (error) {
      isKnown = false
      metrics.refused('upgrade', 'websocket-auth')
      log.debug({ err: error, client: exchange.client }, 'a client was not let in')
    }
    if (exchange.ended) return leave()
    const { caller, client: address } = exchange
    const away = caller && identity?.book.opened(caller, address)
    const leaveAll = (): void => {
      away?.()
      leave()
    }
    const facts: ClientFacts = { caller, address, ...(authAnswer === undefined ? {} : { authAnswer }) }
    upgrade(exchange, leaveAll, (webSocket, stream) => {
      if (isKnown) return open(webSocket, stream, facts, leaveAll)
      // As the original does: it is told nothing.
      webSocket.on('error', () => {})
      webSocket.on('close', leaveAll)
      webSocket.close(CLOSE_CODES.policy)
      clock.after(GOODBYE_MS, () => webSocket.terminate())
    })
  }

  function upgrade(
    exchange: Exchange,
    onFailed: () => void,
    onOpen: (webSocket: WebSocket, stream: Duplex) => void,
  ): void {
    const taken = exchange.takeOver()
    let isOpen = false
    taken.socket.once('close', () => {
      if (!isOpen) onFailed()
    })
    openWebSocket(taken, (webSocket) => {
      isOpen = true
      onOpen(webSocket, taken.socket)
    })
  }

  return {
    get size() {
      return holders.size
    },
    accept(exchange) {
      const judged = admission.judge(exchange)
      if (typeof judged === 'object') {
        metrics.refused('upgrade', judged.reason)
        refuse(exchange, judged)
        return
      }
      const leave = admission.opened(exchange.client)
      settle(exchange, judged === 'stranger', leave).catch((error) => {
        leave()
        log.error({ err: error, exchange: exchange.id }, 'a socket could not be opened')
        exchange.abort()
      })
    },
    replace(before, session) {
      const socket = bySession.get(before)
      const holder = socket && holders.get(socket)
      if (!holder) return
      take(socket, holder, session)
      goOn(socket, holder)
    },
    endAll(code, reason, spreadMs) {
      goodbye = { code, reason }
      const open = [...holders]
      const eachMs = spreadMs / Math.max(1, open.length)
      for (const [at, [socket, { session }]] of open.entries()) {
        if (spreadMs <= 0) socket.close(code, reason)
        else {
          session.drain?.(spreadMs)
          clock.after(at * eachMs, () => socket.close(code, reason))
        }
      }
      if (holders.size === 0) return Promise.resolve()
      return new Promise((resolve) => {
        onEmpty.push(resolve)
        clock.after(spreadMs + GOODBYE_MS, resolve)
      })
    },
    close() {
      heartbeat.stop()
      for (const socket of holders.keys()) socket.cut()
    },
  }
}

function isForOthers(message: UmfMessage): boolean {
  return message.forward !== undefined || !isToRouter(message)
}

function isReconnect(message: UmfMessage): boolean {
  const { reconnect, reconnection } = UMF_TYPES
  return (message.type === reconnect || message.type === reconnection) && isToRouter(message)
}

function isSession(message: UmfMessage): boolean {
  return message.type === SESSION_TYPES.session && isToRouter(message)
}

/** Id of a message that is not looked at otherwise. */
function idOf(text: string): string | undefined {
  try {
    const { mid } = JSON.parse(text) as { mid?: unknown }
    return typeof mid === 'string' && mid.length <= 256 ? mid : undefined
  } catch {
    return undefined
  }
}
