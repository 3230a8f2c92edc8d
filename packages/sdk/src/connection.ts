/**
 * One line to the gateway, from SETUP to its end (`medusa.md` 7).
 *
 * A connection has one life: whoever opened it hears of its loss and opens the next, with the same instance id,
 * which puts the instance back at once. Nothing is retried here.
 *
 * @module
 */
import type { LookupFunction } from 'node:net'
import type {
  EventsRequest,
  FragmentsRequest,
  KnownOverview,
  Overview,
  RegistrationInput,
  RegistrationResponse,
} from '@hydra-gateway/protocol'
import {
  ALIVE_MS,
  createPeer,
  type Ended,
  ERROR_CODES,
  isUnknownRoute,
  type LinkedPeer,
  ROUTES,
  type RouteHandlers,
  type RSocketError,
  type Source,
  type StreamReceiver,
  type Timers,
} from '@hydra-gateway/protocol/rsocket'
import { createAsked } from './asked.ts'
import { ConnectionError, toConnectionError } from './connection-error.ts'
import { openLink } from './connection-link.ts'
import { followOverviews } from './overviews.ts'
import { abortController } from './waiting.ts'

export { ConnectionError, type ConnectionErrorKind } from './connection-error.ts'

/** The line a request came on, as far as who serves it needs to know. */
export interface Line {
  /** Aborts when it is lost or closed. */
  readonly ended: AbortSignal
  /** Bytes that wait to be sent. */
  pendingBytes(): number
}

export interface ConnectionOptions {
  /** `http(s)://` or `ws(s)://`: WebSocket at `/h/rsocket` below it; `tcp://host:port`: TCP, `tcps://` with TLS. */
  readonly gateway: string | URL
  /** Resolves its name. @default the system's */
  readonly lookup?: LookupFunction | undefined
  readonly publicKey: string
  readonly privateKey: string
  readonly registration: RegistrationInput & { readonly instanceId: string }
  /** An overview that is known: what of it still holds is not sent again, and it is not waited for. */
  readonly known?: KnownOverview | undefined
  /**
   * Called with every overview; the first before the connection is handed out, unless one is known. `known` is the same,
   * to be known by the next connection.
   */
  readonly onOverview: (overview: Overview, known: KnownOverview) => void
  /** Called once, with a sentence, when an open connection ended and nobody here asked for it. */
  readonly onLost: (reason: string) => void
  /**
   * The gateway stops and wants this service to open a line elsewhere, all of its services within `withinMs`. Resolves
   * with whether there is one. @default nobody does
   */
  readonly onMove?: (withinMs: number) => Promise<boolean>
  /** What the gateway may ask for on this line beside its pings. */
  readonly serve?: (line: Line) => Pick<RouteHandlers, 'requests' | 'streams'>
  /** Requests it may have open at a time, and the largest of them in bytes. */
  readonly maxStreams?: number
  readonly maxDataBytes?: number
  /** Routes whose requests may be larger. */
  readonly larger?: Readonly<Record<string, number>>
  /** How long opening may take in all, and each request afterwards. */
  readonly timeoutMs: number
}

export interface Connection {
  /** What the registration came to; a gateway that doesn't say is asked by `register`. */
  readonly answer: RegistrationResponse | undefined
  /** The gateway's, or of what stands in front of it. */
  readonly address: string | undefined
  /** Replaces what this instance declared, without a new connection. */
  register(registration: RegistrationInput): Promise<RegistrationResponse>
  /** Takes the instance out of rotation for good; `forget` drops the service's routes when it was the last. */
  deregister(options?: { readonly forget?: boolean }): Promise<boolean>
  /** Takes the instance out of rotation for as long as its process runs; what was begun is finished. */
  drain(reason?: string): Promise<boolean>
  /** Puts it back. */
  resume(): Promise<boolean>
  /** The keys that sign tokens: `{ keys, publicKey }`. */
  keys(): Promise<unknown>
  /**
   * Asks for fragments of other services. Each item is a `ResolvedFragments` with what is new since the last one;
   * `cancel` says that nobody waits for the rest.
   */
  fragments(request: FragmentsRequest, receiver: StreamReceiver): Source
  /** Sends a message, as UMF with short names; what became of it is the answer. */
  message(data: Uint8Array, timeoutMs: number): Promise<unknown>
  /** Sends one message to many clients: `{ message, clients }`. */
  push(data: Uint8Array, timeoutMs: number): Promise<unknown>
  /** Who serves under a name. */
  find(service: string, timeoutMs: number): Promise<unknown>
  /** Follows site events: first an `EventsHello`, then each `SiteEvent`. */
  events(request: EventsRequest, receiver: StreamReceiver): Source
  /** Round trip to the gateway in ms. */
  ping(): Promise<number>
  /** Ends the connection once nothing is under way on it, after `withinMs` at the latest; `onLost` is not called. */
  leave(withinMs: number): void
  /** Ends the connection; `onLost` is not called. */
  close(): void
}

/** No gateway takes longer to stop. */
const MOST_WITHIN_MS = 60_000
/** A line that is left is looked at so often; what the gateway sent before it knew is there by the first time. */
const LEAVE_LOOK_MS = 100

/** Never keep a finished process alive; the socket of an open connection may. */
const timers: Timers = {
  monotonic: () => performance.now(),
  every(ms, run) {
    const timer = setInterval(run, ms).unref()
    return () => clearInterval(timer)
  },
  after(ms, run) {
    const timer = setTimeout(run, ms).unref()
    return () => clearTimeout(timer)
  },
}

/**
 * Connects, registers, and resolves when the gateway has said so and an overview is known: the instance is in rotation
 * then.
 *
 * @throws ConnectionError whose `kind` tells wrong keys, a bad registration and an unreachable gateway apart
 */
export function openConnection(options: ConnectionOptions): Promise<Connection> {
  const { registration, publicKey, privateKey, onOverview, onLost, timeoutMs } = options
  const { instanceId } = registration
  return new Promise((resolve, reject) => {
    const ended = abortController()
    const served = options.serve?.({
      ended: ended.signal,
      pendingBytes: () => linked?.peer.pendingBytes() ?? 0,
    })
    let phase: 'opening' | 'open' | 'over' = 'opening'
    const asked = createAsked()
    let linked: LinkedPeer | undefined
    let stopAlive = (): void => {}
    const { onMove } = options
    const moving = onMove && { [ROUTES.move]: (data: unknown) => onMove(withinOf(data)) }

    const stopDeadline = timers.after(timeoutMs, () => {
      over(new ConnectionError('not-reachable', `the gateway did not answer within ${timeoutMs} ms`))
      linked?.peer.close()
      abandon()
    })

    function over(error: ConnectionError): void {
      const before = phase
      phase = 'over'
      stopDeadline()
      stopAlive()
      if (before === 'opening') reject(error)
      else if (before === 'open') onLost(error.message)
    }

    const abandon = openLink({
      gateway: options.gateway,
      lookup: options.lookup,
      timeoutMs,
      timers,
      onFailed: (message, cause, address) =>
        over(new ConnectionError('not-reachable', message, { cause, address })),
      onOpen(link, address) {
        linked = createPeer({
          link,
          timers,
          setup: { credentials: { publicKey, privateKey }, data: registration },
          routes: { ...served, requests: { ...served?.requests, [ROUTES.ping]: () => true, ...moving } },
          maxDataBytes: options.maxDataBytes ?? Number.POSITIVE_INFINITY,
          ...(options.larger && { larger: options.larger }),
          ...(options.maxStreams && { limits: { maxStreams: options.maxStreams } }),
          onFault: () => {},
          onEnd: ({ by, error }: Ended) => {
            ended.abort(error)
            over(
              toConnectionError(
                error,
                phase === 'opening' ? (by === 'peer' ? 'refused' : 'not-reachable') : 'lost',
                address,
              ),
            )
          },
        })
        const { peer } = linked
        let answer: RegistrationResponse | undefined
        let isKnown = options.known !== undefined
        /** The first overview says that the instance is in rotation; so does the answer. */
        const follow = (known: KnownOverview | undefined): void =>
          followOverviews({
            peer,
            known,
            onOverview(next) {
              if (phase === 'over') return
              onOverview(next.overview, next)
              isKnown = true
              if (phase === 'opening') opened()
            },
            // Without it this end would go stale unnoticed.
            onEnd: (error) => peer.close(error),
          })
        peer.request(ROUTES.registered, {}, timeoutMs).then(
          (said) => {
            answer = said as RegistrationResponse
            follow(options.known)
            if (phase === 'opening' && isKnown) opened()
          },
          (error: RSocketError) => {
            // An older gateway. What else can be wrong ends the connection.
            if (isUnknownRoute(error)) follow(undefined)
            else peer.close(error)
          },
        )

        function opened(): void {
          phase = 'open'
          stopDeadline()
          let seq = 0
          const alive = (): void => peer.send(ROUTES.alive, { instanceId, seq: seq++ })
          stopAlive = timers.every(ALIVE_MS, alive)
          alive()
          resolve(connection)
        }

        const ask = (route: string, data: unknown, withinMs = timeoutMs): Promise<unknown> =>
          peer.request(route, data, withinMs).catch((error: RSocketError) => {
            throw toConnectionError(
              error,
              error.code === ERROR_CODES.CANCELED ? 'timeout' : peer.isOpen() ? 'refused' : 'lost',
            )
          })

        const close = (): void => {
          phase = 'over'
          stopAlive()
          peer.close()
        }

        const connection: Connection = {
          address,
          get answer() {
            return answer
          },
          register: async (next) =>
            (await ask(ROUTES.registration, { ...next, instanceId })) as RegistrationResponse,
          deregister: async ({ forget = false } = {}) =>
            (await ask(ROUTES.deregister, { instanceId, forget })) === true,
          drain: async (reason) => (await ask(ROUTES.drain, { instanceId, reason })) === true,
          resume: async () => (await ask(ROUTES.resume, { instanceId })) === true,
          keys: () => ask(ROUTES.keys, {}),
          fragments: (request, receiver) =>
            asked.start((counted) => peer.stream(ROUTES.fragments, request, counted), receiver),
          message: (data, withinMs) => asked.during(ask(ROUTES.message, data, withinMs)),
          push: (data, withinMs) => asked.during(ask(ROUTES.push, data, withinMs)),
          find: (name, withinMs) => asked.during(ask(ROUTES.find, { service: name }, withinMs)),
          events: (request, receiver) => peer.stream(ROUTES.events, request, receiver),
          async ping() {
            const asked = timers.monotonic()
            await ask(ROUTES.ping, {})
            return timers.monotonic() - asked
          },
          leave(withinMs) {
            // From now on its end is no news, and signs of life go over another line.
            phase = 'over'
            stopAlive()
            const until = timers.monotonic() + withinMs
            const stopLooking = timers.every(LEAVE_LOOK_MS, () => {
              const isBusy = asked.count + peer.serving() > 0
              if (isBusy && peer.isOpen() && timers.monotonic() < until) return
              stopLooking()
              close()
            })
          },
          close,
        }
        return { receive: linked.receive, lost: linked.lost, refuse: peer.refuse, isOpen: peer.isOpen }
      },
    })
  })
}

function withinOf(data: unknown): number {
  const { withinMs } = (data ?? {}) as { withinMs?: unknown }
  return typeof withinMs === 'number' && withinMs > 0 ? Math.min(withinMs, MOST_WITHIN_MS) : 0
}
