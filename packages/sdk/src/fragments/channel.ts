/**
 * Fragments over the channel: the gateway asks, and gets each one as soon as it is there (`medusa.md` 7.3).
 *
 * @module
 */
import type { RenderedFragments } from '@hydra-gateway/protocol'
import {
  ERROR_CODES,
  ROUTES,
  type RouteHandlers,
  RSocketError,
  type Sink,
  type Source,
} from '@hydra-gateway/protocol/rsocket'
import type { Line } from '../connection.ts'
import type { Log } from '../log.ts'
import { createSeldom } from '../seldom.ts'
import { abortController } from '../waiting.ts'
import { FragmentFailure } from './failure.ts'
import { type AskedFragments, readRenderRequest } from './render-request.ts'
import type { Renders } from './renders.ts'

export interface ChannelDeps {
  readonly renders: Pick<Renders, 'render'>
  readonly line: Line
  readonly log: Log
  /** Any clock, ms: for how often the same trouble is said. */
  readonly now: () => number
}

/** Largest item that is sent: a frame has room for 16 MiB. */
const MOST_ITEM_BYTES = 15 * 1024 * 1024

/** Above this the gateway doesn't read as fast as is rendered; a line on which 32 MiB wait is given up. */
const MOST_PENDING_BYTES = 20 * 1024 * 1024

/** What a service with fragments serves on one connection. */
export function renderRoutes(deps: ChannelDeps): Required<Pick<RouteHandlers, 'requests' | 'streams'>> {
  const { renders, line } = deps
  const encode = createEncoder(deps)
  return {
    requests: {
      [ROUTES.render]: async (data) => encode(await answer(read(data), renders, line.ended)),
    },
    streams: { [ROUTES.render]: (data, sink) => stream(read(data), renders, encode, sink) },
  }
}

/** All of them at once. */
async function answer(
  asked: AskedFragments,
  renders: ChannelDeps['renders'],
  // No cancel reaches one that waits for a single answer.
  ended: AbortSignal,
): Promise<RenderedFragments> {
  const all: RenderedFragments[] = []
  // The line outlives the request, and what handlers hang on their signal is to go with it.
  const gone = abortController()
  const abort = () => gone.abort(ended.reason)
  ended.addEventListener('abort', abort, { once: true })
  try {
    ended.throwIfAborted()
    await renders.render(asked, gone.signal, (item) => all.push(item)).catch(told)
  } finally {
    ended.removeEventListener('abort', abort)
  }
  return together(all)
}

/** One item per fragment, as fast as they are taken. */
function stream(
  asked: AskedFragments,
  renders: ChannelDeps['renders'],
  encode: (item: RenderedFragments) => Buffer,
  sink: Sink,
): Source {
  const cancelled = abortController()
  const ready: RenderedFragments[] = []
  let demand = 0
  let isDone = false
  const flush = () => {
    for (let item = demand > 0 && ready.shift(); item; item = demand > 0 && ready.shift()) {
      demand--
      sink.next(encode(item))
    }
    if (isDone && ready.length === 0) sink.end()
  }
  renders
    .render(asked, cancelled.signal, (item) => {
      ready.push(item)
      flush()
    })
    .then(() => {
      isDone = true
      if (!cancelled.signal.aborted) flush()
    })
    .catch((fault) => told(fault))
    .catch((fault) => sink.fail(fault))
  return {
    request(count: number) {
      demand += count
      if (!isDone || ready.length > 0) flush()
    },
    cancel: () => cancelled.abort(new FragmentFailure('cancelled', 'nobody waits for the fragment any more')),
  }
}

/** Items in one answer; the last session stays. */
export function together(items: readonly RenderedFragments[]): RenderedFragments {
  const fragments = items.flatMap((item) => item.fragments)
  const last = items.findLast((item) => 'session' in item)
  return last ? { fragments, session: last.session } : { fragments }
}

/** Items as bytes; those that would take the line away from all others go without their HTML. */
function createEncoder({ line, log, now }: ChannelDeps): (item: RenderedFragments) => Buffer {
  const warnSeldom = createSeldom(log.warn, now)
  return (item) => {
    const bytes = Buffer.from(JSON.stringify(item))
    const isTooLarge = bytes.length > MOST_ITEM_BYTES
    if (!isTooLarge && line.pendingBytes() + bytes.length <= MOST_PENDING_BYTES) return bytes
    const reason = isTooLarge ? 'too-large' : 'overloaded'
    warnSeldom(
      reason,
      isTooLarge
        ? `a rendered fragment with its exports has ${bytes.length} bytes, which are too many to be sent`
        : 'a rendered fragment was not sent, as the gateway does not read what was sent before',
    )
    const fragments = item.fragments.map(({ id }) => ({ id, renderedHTML: null, reason }))
    return Buffer.from(JSON.stringify({ ...item, fragments }))
  }
}

function read(data: unknown): AskedFragments {
  try {
    return readRenderRequest(data)
  } catch (fault) {
    throw new RSocketError(ERROR_CODES.INVALID, (fault as Error).message)
  }
}

/** Turned down before anything was rendered: another instance may be asked. */
function told(fault: unknown): never {
  if (fault instanceof FragmentFailure && fault.reason === 'overloaded')
    throw new RSocketError(ERROR_CODES.REJECTED, fault.message, 'HYDRA_OVERLOADED')
  throw fault
}
