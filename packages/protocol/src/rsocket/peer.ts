/**
 * The other end of a channel, as application code sees it: routes, JSON and promises.
 *
 * @module
 */
import { type Connection, createConnection, type Ended, type Limits, type Link } from './connection.ts'
import { RSocketError, toRSocketError, unknownRoute } from './error.ts'
import type { Payload, SetupFrame } from './frame.ts'
import { encode, parse, payloadOf } from './json-payload.ts'
import { type Credentials, decodeMetadata, encodeMetadata, type Metadata } from './metadata.ts'
import type { Timers } from './silence.ts'
import type { Answer, Source } from './streams.ts'
import { COMPOSITE_MIME, ERROR_CODES, JSON_MIME, ROUTES } from './words.ts'

/** Takes items as they arrive. Ask for more with `request`: nothing comes without demand. */
export interface StreamReceiver {
  /** `sizeBytes` is what the item had on its way. */
  onItem(item: unknown, sizeBytes: number): void
  /** Called once: the stream ended well, or failed. Not after `cancel`. */
  onEnd(error: RSocketError | undefined): void
  /** Items asked for at the start. @default 1 */
  readonly demand?: number
  /** A larger item is not read and ends the stream with HYDRA_TOO_LARGE. @default no limit but that of frames */
  readonly maxItemBytes?: number
  /** With it, a larger item is left out and the stream goes on. */
  onOversize?(sizeBytes: number): void
}

/** The remote end of a channel. Data is JSON; a Uint8Array is sent as it is, for JSON encoded once for many. */
export interface Peer {
  /** Asks and waits. Rejects with RSocketError: the peer's answer, CANCELED after `timeoutMs`, or the lost link. */
  request(route: string, data: unknown, timeoutMs: number): Promise<unknown>
  /** Says something that is not answered. Lost without a trace when the connection is. */
  send(route: string, data: unknown): void
  stream(route: string, data: unknown, receiver: StreamReceiver): Source
  /** As `request`, but without a limit of its own and can be cancelled: the answer is the only item. */
  ask(route: string, data: unknown, receiver: StreamReceiver): Source
  /** Ends the connection; the peer is told why. */
  close(error?: RSocketError): void
  /** Ends the connection because the peer broke a rule, named by a short constant word. */
  refuse(reason: string, error: RSocketError): void
  isOpen(): boolean
  /** Bytes that wait to be sent: a peer that reads slowly is better asked for less. */
  pendingBytes(): number
  /** Requests of the peer that are being served here. */
  serving(): number
}

/** What a stream handler gives its items to. */
export interface Sink {
  next(item: unknown): void
  end(): void
  fail(error: Error): void
}

/**
 * What this end serves, by route. A handler that throws answers with an error: RSocketError and errors whose
 * `code` begins with `HYDRA_` as they are, anything else as an internal error that only `onFault` sees.
 */
export interface RouteHandlers {
  readonly requests?: Readonly<Record<string, (data: unknown, sizeBytes: number) => unknown>>
  readonly streams?: Readonly<Record<string, (data: unknown, sink: Sink) => Source>>
  readonly signals?: Readonly<Record<string, (data: unknown) => void>>
}

/** A client's SETUP before it is let in. */
export interface Setup {
  readonly keepAliveMs: number
  readonly lifetimeMs: number
  readonly credentials: Credentials | undefined
  readonly route: string | undefined
  readonly sizeBytes: number
  /** Parses the data: only worth it once the keys are right. @throws RSocketError (INVALID_SETUP) */
  readData(): unknown
}

export interface PeerDeps {
  readonly link: Link
  readonly timers: Timers
  readonly routes: RouteHandlers
  /** A client's SETUP; without it this is the gateway's end. */
  readonly setup?: { readonly credentials: Credentials; readonly data: unknown }
  /** The gateway's end: a throw refuses the client. */
  readonly onSetup?: (setup: Setup) => Promise<void>
  /** Called once, in the tick in which the end became known. */
  readonly onEnd: (ended: Ended) => void
  /** A handler failed in a way nobody foresaw. */
  readonly onFault: (error: unknown, route: string) => void
  /** A request was answered with an error before any handler saw it, by a short constant word. */
  readonly onRefused?: (reason: string) => void
  /** Largest data of one request, in bytes; routes named in `larger` may have more. */
  readonly maxDataBytes: number
  readonly larger?: Readonly<Record<string, number>>
  readonly limits?: Partial<Limits>
}

/** A peer, and the two ends its link has to call. */
export interface LinkedPeer {
  readonly peer: Peer
  readonly receive: (frame: Buffer) => void
  readonly lost: (reason: string) => void
}

const { APPLICATION_ERROR, CANCELED, CONNECTION_CLOSE, INVALID, INVALID_SETUP, REJECTED_SETUP } = ERROR_CODES

/** Puts routes and JSON on a link. */
export function createPeer(deps: PeerDeps): LinkedPeer {
  const { link, timers, onEnd, onFault } = deps
  const requests = new Map(Object.entries(deps.routes.requests ?? {}))
  const streams = new Map(Object.entries(deps.routes.streams ?? {}))
  const signals = new Map(Object.entries(deps.routes.signals ?? {}))
  const larger = new Map(Object.entries(deps.larger ?? {}))

  /** The handler a request is for and its data, or a throw that answers it. */
  function find<T>(
    handlers: ReadonlyMap<string, T>,
    payload: Payload,
  ): { handler: T; route: string; data: unknown } {
    const route = orRefuse('malformed-metadata', () => decodeMetadata(payload.metadata)).route ?? ''
    const handler = handlers.get(route)
    if (handler === undefined) {
      deps.onRefused?.('unknown-route')
      throw unknownRoute(route)
    }
    if (payload.data.length > (larger.get(route) ?? deps.maxDataBytes)) {
      deps.onRefused?.('data-too-large')
      throw new RSocketError(
        APPLICATION_ERROR,
        `${payload.data.length} bytes are too many`,
        'HYDRA_TOO_LARGE',
      )
    }
    return { handler, route, data: orRefuse('malformed-data', () => parse(payload.data)) }
  }

  function orRefuse<T>(reason: string, read: () => T): T {
    try {
      return read()
    } catch (error) {
      deps.onRefused?.(reason)
      throw error
    }
  }

  function told(error: unknown, route: string): RSocketError {
    const known = toRSocketError(error)
    if (known) return known
    onFault(error, route)
    return new RSocketError(APPLICATION_ERROR, 'internal error', 'HYDRA_INTERNAL')
  }

  const connection: Connection = createConnection({
    link,
    timers,
    onEnd,
    onRefused: deps.onRefused,
    limits: deps.limits,
    setup: deps.setup && {
      metadata: encodeMetadata(ROUTES.setup, deps.setup.credentials),
      data: encode(deps.setup.data),
      metadataMime: COMPOSITE_MIME,
      dataMime: JSON_MIME,
    },
    onSetup: async (frame) => {
      const { onSetup } = deps
      if (!onSetup) throw new RSocketError(REJECTED_SETUP, 'nothing is served here')
      await onSetup(readSetup(frame)).catch((error: unknown) => {
        throw told(error, ROUTES.setup)
      })
    },
    responder: {
      requestResponse(payload, answer) {
        let route = ''
        const run = async (): Promise<unknown> => {
          const found = find(requests, payload)
          route = found.route
          return found.handler(found.data, payload.data.length)
        }
        run()
          .then((result) => answer.onNext({ metadata: undefined, data: encode(result) }))
          .catch((error: unknown) => answer.onError(told(error, route)))
      },
      requestStream(payload, answer) {
        try {
          const { handler, data } = find(streams, payload)
          return handler(data, sinkOf(answer))
        } catch (error) {
          answer.onError(told(error, 'stream'))
          return { request() {}, cancel() {} }
        }
      },
      fireAndForget(payload) {
        try {
          const { handler, data } = find(signals, payload)
          handler(data)
        } catch (error) {
          told(error, 'signal')
        }
      },
    },
  })

  const peer: Peer = {
    request(route, data, timeoutMs) {
      return new Promise((resolve, reject) => {
        const stopTimer = timers.after(timeoutMs, () => {
          asked.cancel()
          reject(new RSocketError(CANCELED, `${route} was not answered within ${timeoutMs} ms`))
        })
        const settle = (run: () => void): void => {
          stopTimer()
          run()
        }
        const asked = connection.requestResponse(payloadOf(route, data), {
          onNext: (payload) => settle(() => settleWith(payload, resolve, reject)),
          onComplete: () => settle(() => resolve(undefined)),
          onError: (error) => settle(() => reject(error)),
        })
      })
    },
    send: (route, data) => connection.fireAndForget(payloadOf(route, data)),
    stream: (route, data, receiver) =>
      receiving(receiver, (answer) =>
        connection.requestStream(payloadOf(route, data), receiver.demand ?? 1, answer),
      ),
    ask: (route, data, receiver) =>
      receiving(receiver, (answer) => connection.requestResponse(payloadOf(route, data), answer)),
    close: (error = new RSocketError(CONNECTION_CLOSE, 'closed')) => connection.close(error),
    refuse: connection.refuse,
    isOpen: connection.isOpen,
    pendingBytes: connection.pendingBytes,
    serving: connection.serving,
  }
  return { peer, receive: connection.receive, lost: connection.lost }
}

/** Starts a request whose items are read as JSON before the receiver gets them. */
function receiving(
  { onItem, onEnd, onOversize, maxItemBytes = Number.POSITIVE_INFINITY }: StreamReceiver,
  start: (answer: Answer) => Source,
): Source {
  // The frame of the last item is the end as well: neither is told after an error or `cancel`.
  let isOver = false
  const source = start({
    onNext({ data }) {
      if (onOversize && data.length > maxItemBytes) return onOversize(data.length)
      let item: unknown
      try {
        if (data.length > maxItemBytes) throw tooLarge(data.length, maxItemBytes)
        item = parse(data)
      } catch (error) {
        isOver = true
        source.cancel()
        return onEnd(error as RSocketError)
      }
      onItem(item, data.length)
    },
    onComplete() {
      if (!isOver) onEnd(undefined)
    },
    onError: onEnd,
  })
  return {
    request: source.request,
    cancel() {
      isOver = true
      source.cancel()
    },
  }
}

function tooLarge(bytes: number, most: number): RSocketError {
  return new RSocketError(INVALID, `an item may have ${most} bytes, not ${bytes}`, 'HYDRA_TOO_LARGE')
}

function readSetup(frame: SetupFrame): Setup {
  let metadata: Metadata
  if (frame.metadataMime !== COMPOSITE_MIME)
    throw new RSocketError(INVALID_SETUP, `metadata must be ${COMPOSITE_MIME}`)
  try {
    metadata = decodeMetadata(frame.metadata)
  } catch (error) {
    throw new RSocketError(INVALID_SETUP, (error as RSocketError).message)
  }
  return {
    keepAliveMs: frame.keepAliveMs,
    lifetimeMs: frame.lifetimeMs,
    ...metadata,
    sizeBytes: frame.data.length,
    readData() {
      try {
        return parse(frame.data)
      } catch (error) {
        throw new RSocketError(INVALID_SETUP, (error as RSocketError).message, 'HYDRA_BAD_REGISTRATION')
      }
    },
  }
}

function sinkOf(answer: Answer): Sink {
  return {
    next: (item) => answer.onNext({ metadata: undefined, data: encode(item) }),
    end: answer.onComplete,
    fail: (error) =>
      answer.onError(
        toRSocketError(error) ?? new RSocketError(APPLICATION_ERROR, 'internal error', 'HYDRA_INTERNAL'),
      ),
  }
}

function settleWith(
  payload: Payload,
  resolve: (data: unknown) => void,
  reject: (error: unknown) => void,
): void {
  try {
    resolve(parse(payload.data))
  } catch (error) {
    reject(error)
  }
}
