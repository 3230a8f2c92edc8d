/**
 * The hub of live pages: keeps one stream for each open page, and tells it what changed of what it shows.
 *
 * ```
 * open ─→ wishes ─→ view (who sees the same) ─→ state, whole, unless the page has it
 * menus changed ─→ a round over all views ─→ the parts that changed, to those who take them
 * behind: not told ─→ drained ─→ the present state, whole          behind for too long ─→ cut
 * ```
 *
 * @module
 */

import type { SiteMenus } from '../menus/port.ts'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { createStreamAdmission } from './admission.ts'
import { createBeats } from './beats.ts'
import { BEAT, bye, RENEW, retry, STREAM_HEAD } from './frames.ts'
import type { FragmentMarks, LiveHub, LiveSettings } from './port.ts'
import { createPushes } from './pushes.ts'
import type { LiveStream } from './stream.ts'
import { View } from './view.ts'
import { createWishReader, type Wishes } from './wishes.ts'

export interface LiveHubDeps {
  readonly menus: Pick<SiteMenus, 'audienceOf' | 'view' | 'link' | 'onChange'>
  /** Whether somebody renders a fragment now. */
  readonly fragmentState: (service: string, ref: string) => boolean
  /** Whether a browser has a session that can be renewed, though nobody was found: a cookie for its answer. @default none has */
  readonly renewal?: ((exchange: Exchange) => string | undefined) | undefined
  readonly marks: Pick<FragmentMarks, 'read'>
  readonly settings: LiveSettings
  /** What of an address counts as one visitor. */
  readonly networkOf: (address: string) => string
  readonly clock: Pick<Clock, 'now' | 'monotonic' | 'every' | 'after'>
  /** 0 to 1. */
  readonly random: () => number
  readonly log: Pick<Log, 'warn' | 'error' | 'debug'>
  readonly metrics: Pick<Metrics, 'refused'>
}

/** When pages whose visitor has signed out come back, at most. */
const SIGNED_OUT_SPREAD_MS = 1000
/** When they come back after the gateway has stopped: it has to start first, and they don't come all at once. */
const STOPPED = { leastMs: 500, perPageMs: 2, mostMs: 15_000 }
/** Who does not take a goodbye is not waited for. */
const GOODBYE_MS = 1000

export function createLiveHub(deps: LiveHubDeps): LiveHub {
  const { menus, settings, clock, random, log, metrics } = deps
  const facts = { spreadMs: settings.replaceWithinMs, beatMs: settings.heartbeatMs }
  const views = new Map<string, View<LiveStream>>()
  const behind = new Set<LiveStream>()
  const read = createWishReader({ marks: deps.marks, maxWishes: settings.maxWishes })
  const admission = createStreamAdmission({
    settings,
    networkOf: deps.networkOf,
    clock,
    random,
    log,
    metrics,
  })
  let warm: View<LiveStream>[] = []
  let isClosed = false

  const refresh = (view: View<LiveStream>): void => {
    view.refresh(deps, view.streams[0]?.caller)
  }
  const pushes = createPushes({
    views: () => views.values(),
    refresh,
    tell,
    done: (view) => view.wasTold(),
    everyMs: settings.pushEveryMs,
    clock,
    onError: (error) => log.error({ err: error }, 'open pages could not be told'),
  })
  const beats = createBeats({
    everyMs: settings.heartbeatMs,
    clock,
    beat(stream) {
      if (isExpired(stream)) end(stream, RENEW)
      else if (!stream.sink.isBlocked) write(stream, BEAT)
    },
    onTick() {
      for (const view of warm) view.cool()
      warm = []
      for (const stream of behind) if (isTooLate(stream)) cut(stream)
    },
  })
  const stopListening = menus.onChange(pushes.changed)

  // ---- one stream

  function viewFor(exchange: Exchange, wishes: Wishes): View<LiveStream> {
    const { caller } = exchange
    const host = wishes.links.length > 0 ? exchange.host : ''
    const key = `${wishes.key} ${host} ${menus.audienceOf(caller)}`
    const known = views.get(key)
    if (known) return known
    const view = new View<LiveStream>(key, host, wishes, facts)
    view.refresh(deps, caller)
    views.set(key, view)
    return view
  }

  function open(exchange: Exchange): void {
    if (isClosed) {
      const headers = { 'retry-after': '5' }
      admission.refuse(exchange, { code: 'HYDRA_STOPPING', detail: 'come back in a moment', headers })
      return
    }
    const refusal = admission.refusalOf(exchange)
    if (refusal) {
      admission.refuse(exchange, refusal)
      return
    }
    // A page that was away for longer than a token holds: as nobody it would lose what it shows of its visitor.
    const renewal = deps.renewal?.(exchange)
    if (renewal !== undefined) {
      exchange.answer(200, { ...STREAM_HEAD, 'set-cookie': renewal }, RENEW)
      return
    }
    const { wishes, have, surplus, invalid } = read(exchange.query)
    if (surplus > 0) metrics.refused('request', 'live-wishes')
    if (invalid > 0) metrics.refused('request', 'live-wish')
    if (surplus + invalid > 0)
      log.debug(
        { exchange: exchange.id, surplus, invalid },
        'a page wants to be told of what it is not told of',
      )
    const had = have ?? exchange.headers.get('last-event-id')
    const view = viewFor(exchange, wishes)
    const stream: LiveStream = {
      exchange,
      sink: exchange.stream(200, STREAM_HEAD),
      caller: exchange.caller,
      view,
      told: view.id,
      place: view.streams.length,
      beat: beats.next(),
      beatPlace: 0,
      behindSince: 0,
    }
    view.streams.push(stream)
    beats.add(stream)
    admission.opened(exchange.client)
    exchange.onEnd(() => forget(stream))
    stream.sink.write(retry(random()))
    write(stream, had === view.id ? view.known() : wholeOf(view))
  }

  function wholeOf(view: View<LiveStream>): Buffer {
    warm.push(view)
    return view.whole()
  }

  function write(stream: LiveStream, bytes: Buffer): void {
    const { sink } = stream
    sink.write(bytes)
    sink.flush()
    if (!sink.isBlocked || stream.exchange.ended) return
    stream.behindSince = clock.monotonic()
    behind.add(stream)
    sink.onDrain = () => caughtUp(stream)
  }

  function caughtUp(stream: LiveStream): void {
    behind.delete(stream)
    stream.behindSince = 0
    stream.sink.onDrain = undefined
    if (stream.told !== stream.view.id) pushes.woke(stream.view)
  }

  /** Tells a stream how things are, if it does not know and takes it; one that is behind is told when it has caught up. */
  function tell(stream: LiveStream): void {
    const { view, sink, told } = stream
    if (told === view.id || sink.isBlocked) return
    if (isExpired(stream)) {
      end(stream, RENEW)
      return
    }
    stream.told = view.id
    write(stream, told === view.before && view.change ? view.change : wholeOf(view))
  }

  const isExpired = ({ caller }: LiveStream): boolean =>
    caller !== undefined && clock.now() >= caller.expiresAt

  const isTooLate = ({ behindSince }: LiveStream): boolean =>
    clock.monotonic() - behindSince >= settings.maxBehindMs

  function cut({ exchange }: LiveStream): void {
    metrics.refused('request', 'live-behind')
    log.debug({ exchange: exchange.id, client: exchange.client }, 'an open page takes nothing: cut')
    exchange.abort()
  }

  /** Ends a stream well; one that takes nothing any more is cut. */
  function end(stream: LiveStream, goodbye: Buffer): void {
    const { exchange, sink } = stream
    forget(stream)
    if (sink.isBlocked) {
      exchange.abort()
      return
    }
    sink.onDrain = undefined
    sink.write(goodbye)
    sink.finish()
    sink.flush()
  }

  function forget(stream: LiveStream): void {
    const { exchange, view, place } = stream
    if (place < 0) return
    stream.place = -1
    behind.delete(stream)
    beats.delete(stream)
    admission.closed(exchange.client)
    const last = view.streams.pop()!
    if (last !== stream) {
      view.streams[place] = last
      last.place = place
    } else if (view.streams.length === 0) views.delete(view.key)
  }

  const all = (): LiveStream[] => [...views.values()].flatMap((view) => view.streams)

  return {
    open,
    get size() {
      return admission.size
    },
    endWhere(isOver) {
      for (const stream of all())
        if (isOver(stream.exchange)) end(stream, bye(Math.floor(random() * SIGNED_OUT_SPREAD_MS)))
    },
    close() {
      if (isClosed) return
      isClosed = true
      stopListening()
      pushes.stop()
      beats.stop()
      const open = all()
      const spreadMs = Math.min(STOPPED.mostMs, open.length * STOPPED.perPageMs)
      for (const stream of open) end(stream, bye(STOPPED.leastMs + Math.floor(random() * spreadMs)))
      clock.after(GOODBYE_MS, () => {
        for (const { exchange } of open) if (!exchange.ended) exchange.abort()
      })
    },
  }
}
