/**
 * One RSocket connection, either end of it: SETUP, keep-alive, its limits and its end. What requests and answers
 * are is in `streams.ts`.
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
  type OutgoingFrame,
  type Payload,
  type SetupFrame,
} from './frame.ts'
import { type Timers, watchSilence } from './silence.ts'
import { type Answer, createStreams, type Responder, type Source } from './streams.ts'
import { ERROR_CODES, KEEP_ALIVE_MS, LIFETIME_MS, SETUP_TIMEOUT_MS } from './words.ts'

/** What carries frames. `end` says goodbye after what was sent; it may be called after the link is lost. */
export interface Link {
  /** Sends one frame, without a length prefix. */
  send(frame: Buffer): void
  end(): void
  /** Bytes given to `send` that have not left this process. */
  pendingBytes(): number
}

/** Why a connection ended. `reason` is a short constant word for logs and metrics. */
export interface Ended {
  /** `link`: it broke; `silence`: nothing was heard; `peer`: the peer said so; `refused`: it broke a rule of ours; `here`: we wanted it. */
  readonly by: 'link' | 'silence' | 'peer' | 'refused' | 'here'
  readonly reason: string
  readonly error: RSocketError
}

export interface Limits {
  /** Requests the peer may have open at a time; those above are refused one by one, and the others go on. */
  readonly maxStreams: number
  /** Frames, and bytes of them, that may wait while a SETUP is being decided. */
  readonly maxWaitingFrames: number
  readonly maxWaitingBytes: number
  /** Bytes that may wait to be sent; a peer that doesn't read has to go. */
  readonly maxPendingBytes: number
}
const MIB = 1024 * 1024
const LIMITS: Limits = {
  // A busy page service waits for as many pages, and renders as many fragments, as come within a slow second.
  maxStreams: 1024,
  maxWaitingFrames: 64,
  maxWaitingBytes: 16 * MIB,
  maxPendingBytes: 32 * MIB,
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
  /** A request was refused before anybody saw it, by a constant word. */
  readonly onRefused?: (reason: string) => void
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
  /** Bytes that wait to be sent. */
  pendingBytes(): number
  /** Requests of the peer that are being served. */
  serving(): number
  requestResponse(payload: Payload, answer: Answer): Source
  requestStream(payload: Payload, demand: number, answer: Answer): Source
  fireAndForget(payload: Payload): void
}

const { CONNECTION_ERROR, INVALID_SETUP, REJECTED, REJECTED_RESUME, REJECTED_SETUP, UNSUPPORTED_SETUP } =
  ERROR_CODES

/** Starts a connection over an open link; a client sends its SETUP at once. */
export function createConnection(deps: ConnectionDeps): Connection {
  const { link, timers, responder, onEnd } = deps
  const isClient = deps.setup !== undefined
  const limits = { ...LIMITS, ...deps.limits }
  const streams = createStreams({
    firstId: isClient ? 1 : 2,
    responder,
    transmit,
    onExhausted: (error) => farewell('here', 'stream-ids', error),
  })
  const stopTimers: (() => void)[] = []
  let phase: 'new' | 'deciding' | 'open' | 'ended' = 'new'
  let waiting: Frame[] = []
  let waitingBytes = 0
  let lastPeerStreamId = 0
  let heard = (): void => {}

  // ---- frames come in ---------------------------------------------------------------------------------

  function receive(bytes: Buffer) {
    if (phase === 'ended') return
    heard()
    let frame: Frame
    try {
      frame = decodeFrame(bytes)
    } catch (error) {
      return refuse('malformed-frame', error as RSocketError)
    }
    if (phase === 'new') return begin(frame)
    if (phase === 'open' || frame.type === 'keepalive') return handle(frame)
    waitingBytes += bytes.length
    if (waiting.push(frame) > limits.maxWaitingFrames || waitingBytes > limits.maxWaitingBytes) {
      refuse('too-many-waiting', violation('too much was sent before an answer to SETUP'))
    }
  }

  /** The first frame of a client. */
  function begin(frame: Frame) {
    if (frame.type !== 'setup' || frame.streamId !== 0) {
      const isResume = frame.type === 'resume'
      if (isResume) return refuse('not-supported', new RSocketError(REJECTED_RESUME, NO_RESUMPTION))
      return refuse('no-setup', new RSocketError(INVALID_SETUP, 'the first frame must be SETUP'))
    }
    const problem = setupProblem(frame)
    if (problem) return refuse('not-supported', new RSocketError(UNSUPPORTED_SETUP, problem))
    phase = 'deciding'
    listen(Math.min(frame.lifetimeMs || LIFETIME_MS, LIFETIME_MS))
    decide(frame).then(opened, (error: unknown) => {
      const isTold = error instanceof RSocketError
      refuse('setup', isTold ? error : new RSocketError(REJECTED_SETUP, 'internal error', 'HYDRA_INTERNAL'))
    })
  }

  async function decide(frame: SetupFrame): Promise<void> {
    if (!deps.onSetup) throw new RSocketError(INVALID_SETUP, 'nothing is served here')
    await deps.onSetup(frame)
  }

  function opened(): void {
    if (phase !== 'deciding') return
    phase = 'open'
    const frames = waiting
    waiting = []
    for (const frame of frames) handle(frame)
  }

  function handle(frame: Frame) {
    if (phase === 'ended') return
    const isAboutConnection = frame.streamId === 0
    switch (frame.type) {
      case 'ignored':
        return
      case 'keepalive':
        if (!isAboutConnection) break
        if (frame.respond) transmit({ streamId: 0, type: 'keepalive', respond: false, data: frame.data })
        return
      case 'error':
        if (!isAboutConnection) return streams.receive(frame)
        return finish({ by: 'peer', reason: 'closed', error: parseErrorText(frame.code, frame.text) })
      case 'request-response':
      case 'request-stream':
      case 'request-channel':
      case 'fire-and-forget':
        if (isAboutConnection) break
        return admit(frame)
      case 'request-n':
      case 'cancel':
      case 'payload':
        if (isAboutConnection) break
        return streams.receive(frame)
    }
    refuse(
      'malformed-frame',
      violation(`a ${frame.type} frame can't be ${isAboutConnection ? 'on stream 0' : 'here'}`),
    )
  }

  /** Starts a stream the peer asked for. */
  function admit(
    frame: Extract<Frame, { type: `request-${'response' | 'stream' | 'channel'}` | 'fire-and-forget' }>,
  ) {
    const { streamId } = frame
    if (streamId % 2 !== (isClient ? 0 : 1) || streamId <= lastPeerStreamId) {
      return refuse('malformed-frame', violation('a stream id was used twice or belongs to the other side'))
    }
    lastPeerStreamId = streamId
    if (frame.type === 'request-channel') {
      const text = 'channels of both directions are not supported'
      return transmit({ streamId, type: 'error', code: REJECTED, text })
    }
    if (frame.follows)
      return refuse('not-supported', violation('fragments are not supported: a frame may have 16 MiB'))
    if (frame.type === 'fire-and-forget') return responder.fireAndForget(frame)
    if (streams.busy() >= limits.maxStreams) {
      deps.onRefused?.('too-many-streams')
      const text = `HYDRA_OVERLOADED: a peer may have ${limits.maxStreams} requests open`
      return transmit({ streamId, type: 'error', code: REJECTED, text })
    }
    streams.serve(frame)
  }

  // ---- frames go out ----------------------------------------------------------------------------------

  function transmit(frame: OutgoingFrame) {
    if (phase === 'ended') return
    let bytes: Buffer
    try {
      bytes = encodeFrame(frame)
    } catch (error) {
      return tooLarge(frame, error as RSocketError)
    }
    link.send(bytes)
    if (link.pendingBytes() > limits.maxPendingBytes) {
      refuse('slow-reader', violation('too much is waiting to be read'))
    }
  }

  /** A SETUP that can't be sent ends the connection; of anything else only its stream fails, at both ends. */
  function tooLarge(frame: OutgoingFrame, error: RSocketError) {
    const { streamId } = frame
    if (streamId === 0) return finish({ by: 'here', reason: 'too-large', error })
    streams.abandon(streamId, error)
    if (frame.type === 'payload')
      transmit({ streamId, type: 'error', code: error.code, text: formatErrorText(error) })
  }

  // ---- the end ----------------------------------------------------------------------------------------

  /** From here on the peer may not be silent for longer than `lifetimeMs`. */
  function listen(lifetimeMs: number): void {
    const watch = watchSilence({
      timers,
      lifetimeMs,
      onSilence: () => farewell('silence', 'silence', violation(`nothing was heard for ${lifetimeMs} ms`)),
    })
    heard = watch.heard
    stopTimers.push(watch.stop)
  }

  function farewell(by: Ended['by'], reason: string, error: RSocketError): void {
    if (phase === 'ended') return
    link.send(encodeFrame({ streamId: 0, type: 'error', code: error.code, text: formatErrorText(error) }))
    finish({ by, reason, error })
  }

  function refuse(reason: string, error: RSocketError): void {
    farewell('refused', reason, error)
  }

  function finish(ended: Ended): void {
    if (phase === 'ended') return
    phase = 'ended'
    waiting = []
    for (const stop of stopTimers) stop()
    link.end()
    onEnd(ended)
    streams.abandonAll(ended.error)
  }

  function ask(
    type: 'request-response' | 'request-stream',
    payload: Payload,
    demand: number,
    answer: Answer,
  ): Source {
    if (phase !== 'ended') return streams.ask(type, payload, demand, answer)
    answer.onError(violation('the connection is closed'))
    return { request() {}, cancel() {} }
  }

  if (deps.setup) {
    phase = 'open'
    const rhythm = { keepAliveMs: KEEP_ALIVE_MS, lifetimeMs: LIFETIME_MS }
    transmit({
      streamId: 0,
      type: 'setup',
      majorVersion: 1,
      resume: false,
      lease: false,
      ...rhythm,
      ...deps.setup,
    })
    const keepAlive = { streamId: 0, type: 'keepalive', respond: true, data: EMPTY.data } as const
    stopTimers.push(timers.every(KEEP_ALIVE_MS, () => transmit(keepAlive)))
    listen(LIFETIME_MS)
  } else {
    const noSetup = new RSocketError(INVALID_SETUP, `no SETUP came within ${SETUP_TIMEOUT_MS} ms`)
    stopTimers.push(timers.after(SETUP_TIMEOUT_MS, () => phase === 'new' && refuse('no-setup', noSetup)))
  }

  return {
    receive,
    lost: (reason) => finish({ by: 'link', reason, error: violation(reason) }),
    close: (error) => farewell('here', 'closed', error),
    refuse,
    isOpen: () => phase !== 'ended',
    pendingBytes: () => link.pendingBytes(),
    serving: streams.busy,
    requestResponse: (payload, answer) => ask('request-response', payload, 1, answer),
    requestStream: (payload, demand, answer) => ask('request-stream', payload, demand, answer),
    fireAndForget(payload) {
      const streamId = streams.nextId()
      if (streamId !== undefined) transmit({ streamId, type: 'fire-and-forget', follows: false, ...payload })
    },
  }
}

const NO_RESUMPTION = 'sessions are not resumed: open a new one with the same instanceId'

/** What a SETUP asks for that isn't given here. */
function setupProblem({ majorVersion, lease, resume }: SetupFrame): string | undefined {
  if (majorVersion !== 1) return 'only RSocket 1 is spoken here'
  if (lease) return 'leases are not supported'
  return resume ? NO_RESUMPTION : undefined
}

function violation(what: string): RSocketError {
  return new RSocketError(CONNECTION_ERROR, what)
}
