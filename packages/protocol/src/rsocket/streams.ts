/**
 * The streams of a connection: requests of this end and of the other, each with a number of its own.
 *
 * @module
 */
import { formatErrorText, parseErrorText, RSocketError } from './error.ts'
import { EMPTY, type Frame, type OutgoingFrame, type Payload, type RequestFrame, UNLIMITED } from './frame.ts'
import { ERROR_CODES } from './words.ts'

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

/** A stream as frames and the end of the connection see it. */
interface Stream {
  receive(frame: Frame): void
  abandon(error: RSocketError): void
}

export interface Streams {
  /** Takes a frame that belongs to an open stream; one that ended a moment ago may still be spoken to. */
  receive(frame: Frame): void
  /** Serves a request of the peer. */
  serve(frame: RequestFrame & { readonly streamId: number }): void
  /** Requests of the peer that keep a handler busy, cancelled ones included. */
  busy(): number
  /** Asks the peer for one answer, or for a stream with a first `demand`. */
  ask(type: RequestFrame['type'], payload: Payload, demand: number, answer: Answer): Source
  /** The number of a new stream; undefined when they have run out. */
  nextId(): number | undefined
  /** Fails one stream. */
  abandon(streamId: number, error: RSocketError): void
  abandonAll(error: RSocketError): void
}

/** Keeps the streams of one connection; `firstId` is odd for a client, even for a server. */
export function createStreams({
  firstId,
  responder,
  transmit,
  onExhausted,
}: {
  readonly firstId: number
  readonly responder: Responder
  readonly transmit: (frame: OutgoingFrame) => void
  /** All numbers were used, after 12 days of a thousand requests a second: only another connection has new ones. */
  readonly onExhausted: (error: RSocketError) => void
}): Streams {
  const streams = new Map<number, Stream>()
  let next = firstId
  let busy = 0

  function serve(frame: RequestFrame & { readonly streamId: number }) {
    const { streamId } = frame
    const isStream = frame.type === 'request-stream'
    const reply = { streamId, type: 'payload', follows: false } as const
    let source: Source | undefined
    let isCounted = true
    busy++
    const settled = (): boolean => {
      if (isCounted) busy--
      isCounted = false
      return streams.delete(streamId)
    }
    const cancelled = (): void => {
      if (!streams.delete(streamId)) return
      // A handler that was cancelled counts until it is done: cancelling starts no more than waiting does.
      if (isStream) settled()
      source?.cancel()
    }
    const answer: Answer = {
      onNext(payload) {
        const isOpen = isStream ? streams.has(streamId) : settled()
        if (isOpen) transmit({ ...reply, complete: !isStream, next: true, ...payload })
      },
      onComplete() {
        if (settled()) transmit({ ...reply, complete: true, next: false, ...EMPTY })
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
    if (!isStream) return responder.requestResponse(frame, answer)
    source = responder.requestStream(frame, answer)
    if (streams.has(streamId)) source.request(frame.demand)
  }

  /** Registers what receives the answer to request `streamId`. */
  function expect(streamId: number, isStream: boolean, demand: number, answer: Answer): Source {
    let allowed = demand
    const over = (): boolean => streams.delete(streamId)
    streams.set(streamId, {
      receive(frame) {
        if (frame.type === 'error') {
          if (over()) answer.onError(parseErrorText(frame.code, frame.text))
          return
        }
        if (frame.type !== 'payload' || frame.follows || (frame.next && allowed-- <= 0)) {
          over()
          transmit({ streamId, type: 'cancel' })
          answer.onError(new RSocketError(ERROR_CODES.CONNECTION_ERROR, 'an answer that was not asked for'))
          return
        }
        const isLast = !isStream || frame.complete
        if (isLast) over()
        if (frame.next) answer.onNext(frame)
        if (isLast) answer.onComplete()
      },
      abandon(error) {
        if (over()) answer.onError(error)
      },
    })
    return {
      request(count) {
        if (!streams.has(streamId) || count <= 0) return
        allowed = Math.min(UNLIMITED, allowed + count)
        transmit({ streamId, type: 'request-n', demand: Math.min(UNLIMITED, count) })
      },
      cancel() {
        if (over()) transmit({ streamId, type: 'cancel' })
      },
    }
  }

  function nextId(): number | undefined {
    if (next > UNLIMITED) return undefined
    next += 2
    return next - 2
  }

  return {
    receive: (frame) => streams.get(frame.streamId)?.receive(frame),
    serve,
    busy: () => busy,
    ask(type, payload, demand, answer) {
      const streamId = nextId()
      if (streamId === undefined) {
        const error = new RSocketError(
          ERROR_CODES.CONNECTION_CLOSE,
          'the connection has run out of stream ids',
        )
        answer.onError(error)
        onExhausted(error)
        return { request() {}, cancel() {} }
      }
      const source = expect(streamId, type === 'request-stream', demand, answer)
      if (type === 'request-stream') transmit({ streamId, type, demand, follows: false, ...payload })
      else transmit({ streamId, type, follows: false, ...payload })
      return source
    },
    nextId,
    abandon: (streamId, error) => streams.get(streamId)?.abandon(error),
    abandonAll(error) {
      for (const stream of [...streams.values()]) stream.abandon(error)
    },
  }
}
