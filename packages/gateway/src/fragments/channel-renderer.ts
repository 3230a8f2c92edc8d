/**
 * Asks instances for fragments over the lines they keep open (`hydra.fragments.render`).
 *
 * A line carries many calls at once. How many is bounded here, by what an SDK takes: one above would be refused by
 * it, after its bytes stood in line before everybody else's.
 *
 * `timeoutMs` is kept by the tick of the engine's deadlines, so never early and up to two ticks late; whoever needs it
 * exact cancels.
 *
 * @module
 */
import { DEFAULT_RENDERS } from '@hydra-gateway/protocol'
import type { OwnRequests } from '../proxy/forward.ts'
import { ChannelCall, type LineState, type RenderLine } from './channel-call.ts'
import type { Cancel, Renderer, RenderFailure } from './port.ts'

export type { RenderLine } from './channel-call.ts'

export interface ChannelRendererDeps {
  /** The open line of an instance, the same object for as long as it is open; undefined when it has none here. */
  readonly lineOf: (instanceId: string) => RenderLine | undefined
  /** `forwarder.own`. */
  readonly requests: Pick<OwnRequests, 'vitals' | 'deadlines'>
  readonly settings?: ChannelRendererSettings
}

export interface ChannelRendererSettings {
  /** Calls one instance may be busy with; above: `overloaded`. @default 256 */
  readonly maxInFlight?: number
  /** Bytes that may wait for an instance to read them; above: `overloaded`. @default 8 MiB */
  readonly maxPendingBytes?: number
}

/** Less than what a line is given up for. */
const DEFAULT_PENDING_BYTES = 8 * 1024 * 1024

const nothing: Cancel = () => {}

/** Makes the renderer of one gateway. */
export function createChannelRenderer({ lineOf, requests, settings = {} }: ChannelRendererDeps): Renderer {
  const { maxInFlight = DEFAULT_RENDERS, maxPendingBytes = DEFAULT_PENDING_BYTES } = settings
  const { vitals, deadlines } = requests
  const states = new WeakMap<RenderLine, LineState>()

  function stateOf(line: RenderLine): LineState {
    let state = states.get(line)
    if (state === undefined) {
      state = { way: 'stream', inFlight: 0 }
      states.set(line, state)
    }
    return state
  }

  return {
    via: 'rsocket',
    reaches({ id }) {
      const line = lineOf(id)
      return line !== undefined && stateOf(line).way !== 'none'
    },
    render(instance, request, timeoutMs, receiver) {
      const line = lineOf(instance.id)
      if (line === undefined) {
        receiver.onEnd(notSent('closed', 'the instance has no channel here'))
        return nothing
      }
      const state = stateOf(line)
      if (state.inFlight >= maxInFlight || line.pendingBytes() > maxPendingBytes) {
        receiver.onEnd(notSent('overloaded', 'too many requests wait for this instance'))
        return nothing
      }
      let call: ChannelCall
      try {
        const deps = { line, state, vitals: vitals.of(instance.id), deadlines }
        call = new ChannelCall(deps, request, timeoutMs, receiver)
      } catch (error) {
        const detail = error instanceof Error ? error.message.slice(0, 200) : 'the request is no JSON'
        receiver.onEnd(notSent('failed', detail))
        return nothing
      }
      call.start()
      return () => call.cancel()
    },
  }
}

function notSent(reason: RenderFailure['reason'], detail: string): RenderFailure {
  return { reason, nothingSent: true, isRefusal: false, detail }
}
