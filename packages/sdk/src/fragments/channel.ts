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
} from '@hydra-gateway/protocol/rsocket'
import { FragmentFailure } from './failure.ts'
import { type AskedFragments, readRenderRequest } from './render-request.ts'
import type { Renders } from './renders.ts'

export interface ChannelDeps {
  readonly renders: Pick<Renders, 'render'>
  /** Aborted when the line is lost, for those whom no cancel can reach. */
  readonly ended: AbortSignal
}

/** Largest item that is sent: a frame has room for 16 MiB. */
const MOST_ITEM_BYTES = 15 * 1024 * 1024

/** What a service with fragments serves on one connection. */
export function renderRoutes(deps: ChannelDeps): Required<Pick<RouteHandlers, 'requests' | 'streams'>> {
  return {
    requests: { [ROUTES.render]: (data) => answer(read(data), deps) },
    streams: { [ROUTES.render]: (data, sink) => stream(read(data), deps, sink) },
  }
}

/** All of them at once. */
async function answer(asked: AskedFragments, { renders, ended }: ChannelDeps): Promise<RenderedFragments> {
  const all: RenderedFragments[] = []
  await renders.render(asked, ended, (item) => all.push(item)).catch(told)
  return together(all)
}

/** One item per fragment, as fast as they are taken. */
function stream(asked: AskedFragments, { renders }: ChannelDeps, sink: Sink) {
  const cancelled = new AbortController()
  const ready: Buffer[] = []
  let demand = 0
  let isDone = false
  const flush = () => {
    while (demand > 0 && ready.length > 0) {
      demand--
      sink.next(ready.shift())
    }
    if (isDone && ready.length === 0) sink.end()
  }
  renders
    .render(asked, cancelled.signal, (item) => {
      ready.push(encode(item))
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

/** An item whose exports make it too large for a frame would end the others as well. */
function encode(item: RenderedFragments): Buffer {
  const bytes = Buffer.from(JSON.stringify(item))
  if (bytes.length <= MOST_ITEM_BYTES) return bytes
  const fragments = item.fragments.map(({ id }) => ({ id, renderedHTML: null, reason: 'too-large' }))
  return Buffer.from(JSON.stringify({ fragments }))
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
