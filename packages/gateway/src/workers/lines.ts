/**
 * Asking instances over their channels from a worker: the channels hang on the primary, which is asked to ask.
 *
 * @module
 */
import {
  ERROR_CODES,
  RSocketError,
  type Source,
  type StreamReceiver,
  UNLIMITED,
} from '@hydra-gateway/protocol/rsocket'
import type { RenderLine } from '../fragments/channel-renderer.ts'
import type { FromWorker, LineError, ToWorker } from './messages.ts'

type Answer = Extract<ToWorker, { kind: 'item' | 'oversize' | 'ended' }>
type Call = Extract<FromWorker, { kind: 'call' | 'cancel' }>

/** What a service has not read; above, it is asked nothing more. */
const MOST_PENDING_BYTES = 8 * 1024 * 1024

/** A worker's lines. */
export function createRemoteLines({
  hasLine,
  send,
}: {
  readonly hasLine: (instance: string) => boolean
  readonly send: (message: Call) => void
}): { lineOf(instance: string): RenderLine | undefined; answered(answer: Answer): void } {
  const lines = new Map<string, RenderLine>()
  const calls = new Map<number, StreamReceiver>()
  let numbers = 0

  const lineFor = (instance: string): RenderLine => {
    const begin = (way: 'stream' | 'ask', route: string, data: unknown, receiver: StreamReceiver): Source => {
      const call = ++numbers
      calls.set(call, receiver)
      const bytes = data instanceof Uint8Array ? data : Buffer.from(JSON.stringify(data))
      send({ kind: 'call', call, instance, way, route, data: bytes, maxItemBytes: receiver.maxItemBytes })
      return {
        request() {},
        cancel() {
          if (calls.delete(call)) send({ kind: 'cancel', call })
        },
      }
    }
    return {
      stream: (route, data, receiver) => begin('stream', route, data, receiver),
      ask: (route, data, receiver) => begin('ask', route, data, receiver),
      isOpen: () => hasLine(instance),
      // What waits there is bounded there.
      pendingBytes: () => 0,
    }
  }

  return {
    lineOf(instance) {
      if (!hasLine(instance)) {
        lines.delete(instance)
        return undefined
      }
      let line = lines.get(instance)
      if (line === undefined) {
        line = lineFor(instance)
        lines.set(instance, line)
      }
      return line
    },
    answered(answer) {
      const receiver = calls.get(answer.call)
      if (receiver === undefined) return
      switch (answer.kind) {
        case 'item':
          receiver.onItem(answer.item, answer.sizeBytes)
          return
        case 'oversize':
          receiver.onOversize?.(answer.sizeBytes)
          return
        case 'ended':
          calls.delete(answer.call)
          receiver.onEnd(answer.error && errorOf(answer.error))
      }
    },
  }
}

/** The primary's side of the lines of one worker. */
export function serveLines({
  lineOf,
  send,
  mostPendingBytes = MOST_PENDING_BYTES,
}: {
  readonly lineOf: (instance: string) => RenderLine | undefined
  readonly send: (message: Answer) => void
  readonly mostPendingBytes?: number
}): { asked(call: Call): void; close(): void } {
  const open = new Map<number, Source>()
  const ended = (call: number, error: LineError | undefined): void => {
    open.delete(call)
    send({ kind: 'ended', call, error })
  }
  return {
    asked(message) {
      const { call } = message
      if (message.kind === 'cancel') {
        open.get(call)?.cancel()
        open.delete(call)
        return
      }
      const { instance, way, route, data, maxItemBytes } = message
      const line = lineOf(instance)
      if (line === undefined || line.pendingBytes() > mostPendingBytes) {
        const reason = line === undefined ? 'the instance has no channel here' : 'too much waits for it'
        ended(call, { code: ERROR_CODES.REJECTED, message: reason, problem: undefined })
        return
      }
      let isOver = false
      const source = line[way](route, data, {
        demand: UNLIMITED,
        ...(maxItemBytes === undefined ? {} : { maxItemBytes }),
        onItem: (item, sizeBytes) => send({ kind: 'item', call, item, sizeBytes }),
        onOversize: (sizeBytes) => send({ kind: 'oversize', call, sizeBytes }),
        onEnd(error) {
          isOver = true
          ended(call, error && { code: error.code, message: error.message, problem: error.problem })
        },
      })
      if (!isOver) open.set(call, source)
    },
    close() {
      for (const source of open.values()) source.cancel()
      open.clear()
    },
  }
}

function errorOf({ code, message, problem }: LineError): RSocketError {
  return new RSocketError(code, message, problem)
}
