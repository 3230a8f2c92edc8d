/**
 * One line to the gateway, from SETUP to its end (`medusa.md` 7).
 *
 * A connection has one life: whoever opened it hears of its loss and opens the next, with the same instance id,
 * which puts the instance back at once. Nothing is retried here.
 *
 * @module
 */
import type {
  EventsRequest,
  FragmentsRequest,
  Overview,
  RegistrationInput,
  RegistrationResponse,
} from '@hydra-gateway/protocol'
import {
  ALIVE_MS,
  createPeer,
  type Ended,
  ERROR_CODES,
  type LinkedPeer,
  ROUTES,
  type RouteHandlers,
  type RSocketError,
  type Source,
  type StreamReceiver,
  type Timers,
} from '@hydra-gateway/protocol/rsocket'
import { ConnectionError, toConnectionError } from './connection-error.ts'
import { openLink } from './connection-link.ts'
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
  readonly publicKey: string
  readonly privateKey: string
  readonly registration: RegistrationInput & { readonly instanceId: string }
  /** Called with every overview, the first before the connection is handed out. */
  readonly onOverview: (overview: Overview) => void
  /** Called once, with a sentence, when an open connection ended and nobody here asked for it. */
  readonly onLost: (reason: string) => void
  /** What the gateway may ask for on this line beside its pings. */
  readonly serve?: (line: Line) => Pick<RouteHandlers, 'requests' | 'streams'>
  /** Requests it may have open at a time, and the largest of them in bytes. */
  readonly maxStreams?: number
  readonly maxDataBytes?: number
  /** How long opening may take in all, and each request afterwards. */
  readonly timeoutMs: number
}

export interface Connection {
  /** Replaces what this instance declared, without a new connection. */
  register(registration: RegistrationInput): Promise<RegistrationResponse>
  /** Takes the instance out of rotation for good; `forget` drops the service's routes when it was the last. */
  deregister(options?: { readonly forget?: boolean }): Promise<boolean>
  /** The keys that sign tokens: `{ keys, publicKey }`. */
  keys(): Promise<unknown>
  /**
   * Asks for fragments of other services. Each item is a `ResolvedFragments` with what is new since the last one;
   * `cancel` says that nobody waits for the rest.
   */
  fragments(request: FragmentsRequest, receiver: StreamReceiver): Source
  /** Follows site events: first an `EventsHello`, then each `SiteEvent`. */
  events(request: EventsRequest, receiver: StreamReceiver): Source
  /** Round trip to the gateway in ms. */
  ping(): Promise<number>
  /** Ends the connection; `onLost` is not called. */
  close(): void
}

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
 * Connects, registers, and resolves with the first overview: the instance is in rotation then.
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
    let linked: LinkedPeer | undefined
    let stopAlive = (): void => {}

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
      timeoutMs,
      timers,
      onFailed: (message, cause) => over(new ConnectionError('not-reachable', message, { cause })),
      onOpen(link) {
        linked = createPeer({
          link,
          timers,
          setup: { credentials: { publicKey, privateKey }, data: registration },
          routes: { ...served, requests: { ...served?.requests, [ROUTES.ping]: () => true } },
          maxDataBytes: options.maxDataBytes ?? Number.POSITIVE_INFINITY,
          ...(options.maxStreams && { limits: { maxStreams: options.maxStreams } }),
          onFault: () => {},
          onEnd: ({ by, error }: Ended) => {
            ended.abort(error)
            over(
              toConnectionError(
                error,
                phase === 'opening' ? (by === 'peer' ? 'refused' : 'not-reachable') : 'lost',
              ),
            )
          },
        })
        const { peer } = linked
        const overviews = peer.stream(
          ROUTES.overview,
          { hash: null },
          {
            onItem(item) {
              if (phase === 'over') return
              onOverview(item as Overview)
              if (phase === 'opening') opened()
              overviews.request(1)
            },
            // Without it this end would go stale unnoticed.
            onEnd: (error) => peer.close(error),
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

        const ask = (route: string, data: unknown): Promise<unknown> =>
          peer.request(route, data, timeoutMs).catch((error: RSocketError) => {
            throw toConnectionError(
              error,
              error.code === ERROR_CODES.CANCELED ? 'timeout' : peer.isOpen() ? 'refused' : 'lost',
            )
          })

        const connection: Connection = {
          register: async (next) =>
            (await ask(ROUTES.registration, { ...next, instanceId })) as RegistrationResponse,
          deregister: async ({ forget = false } = {}) =>
            (await ask(ROUTES.deregister, { instanceId, forget })) === true,
          keys: () => ask(ROUTES.keys, {}),
          fragments: (request, receiver) => peer.stream(ROUTES.fragments, request, receiver),
          events: (request, receiver) => peer.stream(ROUTES.events, request, receiver),
          async ping() {
            const asked = timers.monotonic()
            await ask(ROUTES.ping, {})
            return timers.monotonic() - asked
          },
          close() {
            phase = 'over'
            stopAlive()
            peer.close()
          },
        }
        return { receive: linked.receive, lost: linked.lost, refuse: peer.refuse, isOpen: peer.isOpen }
      },
    })
  })
}
