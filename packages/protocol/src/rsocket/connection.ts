/**
 * One RSocket connection, either end of it: SETUP, keep-alive, and the streams that requests are.
 *
 * It moves frames between a `Link` (a TCP socket or WebSocket somebody else owns) and the layer above, and opens
 * nothing itself. Whatever a peer sends, the worst that happens is the end of this connection with a reason.
 * Sessions are not resumable at this level: a service that lost its link opens a new one with the same instance
 * id, which has the same effect and keeps no unbounded buffers.
 *
 * @module
 */
import { formatErrorText, parseErrorText, RSocketError } from './error.ts'
import {
  decodeFrame,
  EMPTY,
  encodeFrame,
  type Frame,
  type Payload,
  type RequestFrame,
  type SetupFrame,
  UNLIMITED,
} from './frame.ts'
import { ERROR_CODES, KEEP_ALIVE_MS, LIFETIME_MS, SETUP_TIMEOUT_MS } from './words.ts'

/** What carries frames. `end` says goodbye after what was sent; it may be called after the link is lost. */
export interface Link {
  /** Sends one frame, without a length prefix. */
  send(frame: Buffer): void
  end(): void
  /** Bytes given to `send` that have not left this process. */
  pendingBytes(): number
}

/** Time, passed in; timers should not keep a process alive. The gateway's clock fits. */
export interface Timers {
  monotonic(): number
  every(ms: number, run: () => void): () => void
  after(ms: number, run: () => void): () => void
}

/** Why a connection ended. `reason` is a short constant word for logs and metrics. */
export interface Ended {
  /** `link`: it broke; `silence`: nothing was heard; `peer`: the peer said so; `refused`: it broke a rule of ours; `here`: we wanted it. */
  readonly by: 'link' | 'silence' | 'peer' | 'refused' | 'here'
  readonly reason: string
  readonly error: RSocketError
}

export interface Limits {
  /** Streams the peer may have open at a time. */
  readonly maxStreams: number
  /** Frames that may wait while a SETUP is being decided. */
  readonly maxWaitingFrames: number
  /** Bytes that may wait to be sent; a peer that doesn't read has to go. */
  readonly maxPendingBytes: number
}
const LIMITS: Limits = { maxStreams: 64, maxWaitingFrames: 64, maxPendingBytes: 32 * 1024 * 1024 }

/** Receives what a request comes to. */
export interface Answer {
  onNext(payload: Payload): void
  onComplete(): void
  onError(error: RSocketError): void
}

/** Where the items of a stream come from. */
export interface Source {
  request(count: number): void
  cancel(): void
}

/** Serves the peer's requests; must not throw. A request is answered exactly once, even when nobody waits any more. */
export interface Responder {
  requestResponse(payload: Payload, answer: Answer): void
  requestStream(payload: Payload, answer: Answer): Source
  fireAndForget(payload: Payload): void
}

export interface ConnectionDeps {
  readonly link: Link
  readonly timers: Timers
  readonly responder: Responder
  /** A client's SETUP; without it this is the gateway's end. */
  readonly setup?: Payload & { readonly metadataMime: string; readonly dataMime: string }
  /** Decides about a client's SETUP: a throw refuses it. Frames that follow wait until it resolves. */
  readonly onSetup?: (setup: SetupFrame) => Promise<void>
  /** Called once, in the tick in which the end became known. */
  readonly onEnd: (ended: Ended) => void
  readonly limits?: Partial<Limits>
}

export interface Connection {
  /** Takes one frame from the link. */
  receive(frame: Buffer): void
  /** The link is gone. */
  lost(reason: string): void
  /** Ends the connection, telling the peer why. */
  close(error: RSocketError): void
  /** Ends the connection because the peer broke a rule; `reason` is a constant word. */
  refuse(reason: string, error: RSocketError): void
  isOpen(): boolean
  requestResponse(payload: Payload, answer: Answer): () => void
  requestStream(payload: Payload, demand: number, answer: Answer): Source
  fireAndForget(payload: Payload): void
}

/** A stream as seen from the registry of them. */
interface Stream {
  receive(frame: Frame): void
  abandon(error: RSocketError): void
}

/** A process that was stopped for a while finds its deadline past before it reads what came in meanwhile. */
const SECOND_LOOK_MS = 100

/** Starts a connection over an open link; a client sends its SETUP at once. */
export function createConnection(deps: ConnectionDeps): Connection {
  const { link, timers, responder, onEnd } = deps
  const isClient = deps.setup !== undefined
  const limits = { ...LIMITS, ...deps.limits }
  const streams = new Map<number, Stream>()
  const stopTimers: (() => void)[] = []
  let phase: 'new' | 'deciding' | 'open' | 'ended' = 'new'
  let waiting: Frame[] = []
  let heardAt = timers.monotonic()
  let nextStreamId = isClient ? 1 : 2
  let lastPeerStreamId = 0
  let served = 0

  const receive = (bytes: Buffer) => {
    if (phase === 'ended') return
    heardAt = timers.monotonic()
    let frame: Frame
    try {
      frame = decodeFrame(bytes)
    } catch (error) {
      return refuse('malformed-frame', error as RSocketError)
    }
    if (phase === 'new') return begin(frame)
    if (phase === 'deciding' && frame.type !== 'keepalive') {
      waiting.push(frame)
      if (waiting.length > limits.maxWaitingFrames)
        refuse('too-many-waiting', violation('too many frames before an answer to SETUP'))
      return
    }
    if (frame.streamId === 0) onConnectionFrame(frame)
    else onStreamFrame(frame)
  }

  function begin(frame: Frame) {
    const { INVALID_SETUP, UNSUPPORTED_SETUP, REJECTED_RESUME } = ERROR_CODES
    if (frame.type === 'resume')
      return refuse(
        'not-supported',
        new RSocketError(REJECTED_RESUME, 'open a new session with the same instanceId'),
      )
    if (frame.type !== 'setup' || frame.streamId !== 0)
      return refuse('no-setup', new RSocketError(INVALID_SETUP, 'the first frame must be SETUP'))
    if (frame.majorVersion !== 1)
      return refuse('not-supported', new RSocketError(UNSUPPORTED_SETUP, 'only RSocket 1 is spoken here'))
    if (frame.lease)
      return refuse('not-supported', new RSocketError(UNSUPPORTED_SETUP, 'leases are not supported'))
    if (frame.resume)
      return refuse(
        'not-supported',
        new RSocketError(
          UNSUPPORTED_SETUP,
          'resumption is not supported: open a new session with the same instanceId',
        ),
      )
    phase = 'deciding'
    watchSilence(Math.min(frame.lifetimeMs || LIFETIME_MS, LIFETIME_MS))
    const decide =
      deps.onSetup ?? (() => Promise.reject(new RSocketError(INVALID_SETUP, 'nothing is served here')))
    decide(frame).then(opened, (error: unknown) => {
      const told =
        error instanceof RSocketError
          ? error
          : new RSocketError(ERROR_CODES.REJECTED_SETUP, 'internal error', 'HYDRA_INTERNAL')
      refuse('setup', told)
    })
  }

  function opened(): void {
    if (phase !== 'deciding') return
    phase = 'open'
    const frames = waiting
    waiting = []
    for (const frame of frames) {
      if (phase !== 'open') return
      if (frame.streamId === 0) onConnectionFrame(frame)
      else onStreamFrame(frame)
    }
  }

  function onConnectionFrame(frame: Frame) {
    switch (frame.type) {
      case 'keepalive':
        if (frame.respond) transmit({ streamId: 0, type: 'keepalive', respond: false, data: frame.data })
        return
      case 'error':
        return finish({ by: 'peer', reason: 'closed by peer', error: parseErrorText(frame.code, frame.text) })
      case 'ignored':
        return
      default:
        refuse('malformed-frame', violation(`a ${frame.type} frame can't be on stream 0`))
    }
  }

  function onStreamFrame(frame: Frame) {
    const stream = streams.get(frame.streamId)
    switch (frame.type) {
      case 'request-response':
      case 'request-stream':
      case 'request-channel':
      case 'fire-and-forget':
        return admit(frame)
      case 'setup':
      case 'resume':
      case 'keepalive':
        return refuse('malformed-frame', violation(`a ${frame.type} frame belongs on stream 0`))
      case 'ignored':
        return
      default:
        // A stream that ended a moment ago at this end may still be spoken to.
        stream?.receive(frame)
    }
  }

  /** Starts a stream the peer asked for. */
  function admit(frame: Frame) {
    const { streamId } = frame
    const expected = isClient ? 0 : 1
    if (streamId % 2 !== expected || streamId <= lastPeerStreamId) {
      return refuse('malformed-frame', violation('a stream id was used twice or belongs to the other side'))
    }
    lastPeerStreamId = streamId
    if (frame.type === 'request-channel')
      return reject(streamId, 'channels of both directions are not supported')
    if (
      frame.type !== 'request-response' &&
      frame.type !== 'request-stream' &&
      frame.type !== 'fire-and-forget'
    )
      return
    if (frame.follows)
      return refuse(
        'not-supported',
        violation('fragmented payloads are not supported: a frame may have 16 MiB'),
      )
    if (frame.type === 'fire-and-forget') return responder.fireAndForget(frame)
    if (served >= limits.maxStreams)
      return refuse('too-many-streams', violation(`a peer may have ${limits.maxStreams} requests open`))
    serve(frame)
  }

  function serve(frame: RequestFrame & { readonly streamId: number }): void {
    const { streamId } = frame
    const isStream = frame.type === 'request-stream'
    let source: Source | undefined
    let counted = true
    served++
    /** A handler that was cancelled counts until it is done, so that cancelling starts no more than waiting does. */
    const settled = (): boolean => {
      if (counted) served--
      counted = false
      return streams.delete(streamId)
    }
    const cancelled = (): void => {
      if (!streams.delete(streamId)) return
      if (isStream) settled()
      source?.cancel()
    }
    const answer: Answer = {
      onNext(payload) {
        const open = isStream ? streams.has(streamId) : settled()
        if (open)
          transmit({ streamId, type: 'payload', follows: false, complete: !isStream, next: true, ...payload })
      },
      onComplete() {
        if (settled())
          transmit({ streamId, type: 'payload', follows: false, complete: true, next: false, ...EMPTY })
      },
      onError(error) {
        if (settled()) transmit({ streamId, type: 'error', code: error.code, text: formatErrorText(error) })
      },
    }
    streams.set(streamId, {
      receive(received) {
        if (received.type === 'request-n') source?.request(received.demand)
        else cancelled()
      },
      abandon: cancelled,
    })
    if (isStream) {
      source = responder.requestStream(frame, answer)
      if (streams.has(streamId)) source.request(frame.demand)
    } else {
      responder.requestResponse(frame, answer)
    }
  }

  function reject(streamId: number, message: string): void {
    transmit({ streamId, type: 'error', code: ERROR_CODES.REJECTED, text: message })
  }

  /** Takes the next id and registers what receives its frames. */
  function open(answer: Answer, isStream: boolean, demand: number): { streamId: number; source: Source } {
    const streamId = nextStreamId
    nextStreamId += 2
    let allowed = demand
    const over = (): boolean => streams.delete(streamId)
    streams.set(streamId, {
      receive(frame) {
        if (frame.type === 'error') {
          if (over()) answer.onError(parseErrorText(frame.code, frame.text))
          return
        }
        if (frame.type !== 'payload' || frame.follows || (frame.next && allowed-- <= 0)) {
          if (!over()) return
          transmit({ streamId, type: 'cancel' })
          return answer.onError(violation('an answer that was not asked for'))
        }
        if (!isStream || frame.complete) over()
        if (frame.next) answer.onNext({ metadata: frame.metadata, data: frame.data })
        if (!isStream || frame.complete) answer.onComplete()
      },
      abandon(error) {
        if (over()) answer.onError(error)
      },
    })
    const source: Source = {
      request(count) {
        if (!streams.has(streamId) || count <= 0) return
        allowed = Math.min(UNLIMITED, allowed + count)
        transmit({ streamId, type: 'request-n', demand: Math.min(UNLIMITED, count) })
      },
      cancel() {
        if (over()) transmit({ streamId, type: 'cancel' })
      },
    }
    return { streamId, source }
  }

  function begun(answer: Answer): boolean {
    if (phase === 'ended')
      answer.onError(new RSocketError(ERROR_CODES.CONNECTION_ERROR, 'the connection is closed'))
    // Ids last for two thousand million requests; the next connection begins anew.
    else if (nextStreamId > UNLIMITED)
      close(new RSocketError(ERROR_CODES.CONNECTION_CLOSE, 'out of stream ids'))
    else return true
    return false
  }

  function transmit(frame: Parameters<typeof encodeFrame>[0]) {
    if (phase === 'ended') return
    let bytes: Buffer
    try {
      bytes = encodeFrame(frame)
    } catch (error) {
      const tooLarge = error as RSocketError
      if (frame.streamId === 0) return finish({ by: 'here', reason: 'too-large', error: tooLarge })
      // The one stream fails, at both ends.
      streams.get(frame.streamId)?.abandon(tooLarge)
      if (frame.type === 'payload') {
        const text = formatErrorText(tooLarge)
        transmit({ streamId: frame.streamId, type: 'error', code: tooLarge.code, text })
      }
      return
    }
    link.send(bytes)
    if (link.pendingBytes() > limits.maxPendingBytes)
      refuse('slow-reader', violation('too much is waiting to be read'))
  }

  /** Ends the connection when nothing is heard for `lifetimeMs`. */
  function watchSilence(lifetimeMs: number): void {
    let late = false
    let stop = (): void => {}
    const look = (): void => {
      const silentMs = timers.monotonic() - heardAt
      if (silentMs < lifetimeMs) {
        late = false
        stop = timers.after(lifetimeMs - silentMs, look)
      } else if (!late) {
        late = true
        stop = timers.after(SECOND_LOOK_MS, look)
      } else {
        const error = new RSocketError(ERROR_CODES.CONNECTION_ERROR, `nothing was heard for ${lifetimeMs} ms`)
        sayError(error)
        finish({ by: 'silence', reason: 'silence', error })
      }
    }
    stop = timers.after(lifetimeMs, look)
    stopTimers.push(() => stop())
  }

  function sayError(error: RSocketError): void {
    if (phase !== 'ended')
      link.send(encodeFrame({ streamId: 0, type: 'error', code: error.code, text: formatErrorText(error) }))
  }

  function finish(ended: Ended): void {
    if (phase === 'ended') return
    phase = 'ended'
    waiting = []
    for (const stop of stopTimers) stop()
    link.end()
    onEnd(ended)
    for (const stream of [...streams.values()]) stream.abandon(ended.error)
  }

  function refuse(reason: string, error: RSocketError): void {
    sayError(error)
    finish({ by: 'refused', reason, error })
  }

  function close(error: RSocketError): void {
    sayError(error)
    finish({ by: 'here', reason: 'closed', error })
  }

  if (deps.setup) {
    phase = 'open'
    transmit({
      streamId: 0,
      type: 'setup',
      majorVersion: 1,
      keepAliveMs: KEEP_ALIVE_MS,
      lifetimeMs: LIFETIME_MS,
      resume: false,
      lease: false,
      ...deps.setup,
    })
    stopTimers.push(
      timers.every(KEEP_ALIVE_MS, () =>
        transmit({ streamId: 0, type: 'keepalive', respond: true, data: EMPTY.data }),
      ),
    )
    watchSilence(LIFETIME_MS)
  } else {
    const noSetup = new RSocketError(ERROR_CODES.INVALID_SETUP, `no SETUP came within ${SETUP_TIMEOUT_MS} ms`)
    stopTimers.push(timers.after(SETUP_TIMEOUT_MS, () => phase === 'new' && refuse('no-setup', noSetup)))
  }

  return {
    receive,
    lost: (reason) =>
      finish({ by: 'link', reason, error: new RSocketError(ERROR_CODES.CONNECTION_ERROR, reason) }),
    close,
    refuse,
    isOpen: () => phase !== 'ended',
    requestResponse(payload, answer) {
      if (!begun(answer)) return () => {}
      const { streamId, source } = open(answer, false, 1)
      transmit({ streamId, type: 'request-response', follows: false, ...payload })
      return source.cancel
    },
    requestStream(payload, demand, answer) {
      if (!begun(answer)) return { request() {}, cancel() {} }
      const { streamId, source } = open(answer, true, demand)
      transmit({ streamId, type: 'request-stream', demand, follows: false, ...payload })
      return source
    },
    fireAndForget(payload) {
      if (phase === 'ended' || nextStreamId > UNLIMITED) return
      const streamId = nextStreamId
      nextStreamId += 2
      transmit({ streamId, type: 'fire-and-forget', follows: false, ...payload })
    },
  }
}

function violation(what: string): RSocketError {
  return new RSocketError(ERROR_CODES.CONNECTION_ERROR, what)
}
