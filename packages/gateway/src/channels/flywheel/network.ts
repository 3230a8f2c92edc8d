/**
 * The network of unmodified `hydra` services in Redis, put together: this node's own presence, who else is there, their
 * routes, what is said on the channels, and what is brought there.
 *
 * With Redis away the last known services are served on, and nothing is kept for later; once it is back everything of this
 * node is written again, whatever Redis still knows.
 *
 * @module
 */
import { formatUmf, HEADER_BOUNDS, ROUTER_SERVICE } from '@hydra-gateway/protocol/umf'
import { type InstanceCarrier, MessageProblem } from '../../messaging/port.ts'
import type { Clock } from '../../observe/clock.ts'
import type { Log } from '../../observe/log.ts'
import type { Metrics } from '../../observe/metrics.ts'
import { type RedisLine, StoreAway } from '../../store/redis/port.ts'
import type { Observer } from '../port.ts'
import { createClientMail } from './client-mail.ts'
import { createComplaints } from './complaints.ts'
import { createDirectory } from './directory.ts'
import { createHearing } from './hearing.ts'
import { createLooks } from './looks.ts'
import { type SeenEntry, serviceProblem } from './node-entry.ts'
import type { FlywheelNetwork, OnNetworkMessage } from './port.ts'
import { createPresence } from './presence.ts'
import { createReports } from './reports.ts'
import { createRoll } from './roll.ts'
import { createRouteReader } from './route-reader.ts'
import { QUEUE, STREAM } from './scripts.ts'
import type { RouterSelf } from './self.ts'
import {
  FLYWHEEL_NETWORK_BOUNDS,
  type FlywheelNetworkBounds,
  type FlywheelNetworkLimits,
} from './settings.ts'
import { createWatch } from './watch.ts'
import { channelOf, OWN_ROUTES, queueKey, streamKey } from './words.ts'

export interface FlywheelNetworkDeps {
  /** To the database `hydra` services use. */
  readonly line: RedisLine
  /**
   * For messages, of which anybody may send many: what says that this node is there is not to come behind them.
   * @default line
   */
  readonly messageLine?: RedisLine
  /** To the one with the mail of clients (`queuerDB`). @default messageLine */
  readonly mailLine?: RedisLine
  readonly registry: Observer
  readonly self: RouterSelf
  readonly settings: FlywheelNetworkLimits & Partial<FlywheelNetworkBounds>
  readonly metrics: Pick<Metrics, 'refused'>
  readonly clock: Clock
  /** A UUID; ids of messages. */
  readonly newId: () => string
  readonly log: Log
}

/** A network that is begun by who made it. */
export interface StartableNetwork extends FlywheelNetwork {
  /** Resolves once what is there is served; without Redis at once, and goes on looking for it. */
  start(): Promise<void>
}

/** How often we give a sign of life, ms: it stands for three times as long. */
const BEAT_MS = 1000
/** Refreshes that come together are one look. */
const HINT_MS = 50

/** What `STREAM` says of one that may not be made. */
const NOT_THERE = -1

/** Nothing is read or written before `start`. */
export function createFlywheelNetwork(deps: FlywheelNetworkDeps): StartableNetwork {
  const { line, messageLine = line, mailLine = messageLine, registry, self, metrics, clock, newId } = deps
  const log = deps.log.child({ network: 'flywheel' })
  const settings = { ...FLYWHEEL_NETWORK_BOUNDS, ...deps.settings }
  const { routerId } = self
  const complaints = createComplaints({ metrics, log })
  // As many headers as anywhere; what originals may send is as large as a message.
  const headerBounds = { ...HEADER_BOUNDS, maxHeaderBytes: settings.maxMessageBytes }
  const source = { now: clock.now, newId, mayLackFrom: true, headerBounds }
  const listeners = new Set<OnNetworkMessage>()
  const ends: (() => void)[] = []
  let isClosed = false
  let cancelHint: (() => void) | undefined
  /** Monotonic ms, while Redis is away. */
  let awaySince: number | undefined

  const publishOn =
    (by: RedisLine) =>
    async (channel: string, text: string): Promise<number> =>
      (await by.send(channel, ['PUBLISH', channel, text])) as number
  const publish = publishOn(line)
  const publishMessage = publishOn(messageLine)

  // ---- who is there --------------------------------------------------------------------------------------

  const presence = createPresence({
    line,
    self,
    onEmptied() {
      log.warn('flywheel: Redis has lost what it knew; it is written again')
      roll.lost()
    },
    clock,
    complaints,
  })
  const roll = createRoll({ registry, settings, complaints })
  const routes = createRouteReader({ line, roll, settings, clock, complaints })
  const directory = createDirectory({ routerId, publish, settings, clock, newId, complaints })
  const reports = createReports({ line, settings })
  /** What a look has begun and is not over. */
  const arriving = createGathering()
  const arrive = async (seen: SeenEntry): Promise<void> => {
    if (seen.service !== ROUTER_SERVICE) await routes.readNew(new Set([seen.service]))
    if (watch.isLive(seen.id)) await roll.here(seen)
  }
  const watch = createWatch({
    line,
    routerId,
    settings,
    beatAt: () => presence.beatAt,
    onEmptied: () => void beat(),
    onHere: (seen) => arriving.add(arrive(seen)),
    onAway: roll.away,
    onServices: (names) => arriving.add(routes.readNew(names)),
    onLooked() {
      roll.restore()
      directory.sweep(watch.isLive)
    },
    clock,
    complaints,
  })

  const looks = createLooks({
    async look() {
      await watch.look()
      await arriving.settled()
    },
    clock,
  })

  const beat = async (): Promise<void> => {
    try {
      await presence.beat()
    } catch (error) {
      if (!(error instanceof StoreAway))
        complaints.about('own-presence', 'Redis does not take our presence', {
          reason: (error as Error).message,
        })
    }
  }

  // ---- what is said ----------------------------------------------------------------------------------------

  const hear = createHearing({
    settings,
    source,
    takes: directory.hear,
    onMessage(message, isBroadcast) {
      for (const listener of [...listeners]) listener(message, { isBroadcast })
    },
    onRefresh(service) {
      if (service === undefined) return routes.hintAll()
      routes.hint(service)
      // Its instance may be as new as its routes.
      cancelHint ??= clock.after(HINT_MS, () => {
        cancelHint = undefined
        void watch.hint()
      })
    },
    complaints,
  })
  const hearOn = (channel: string, isBroadcast: boolean): (() => void) =>
    line.subscribe(channel, (text) => {
      if (!isClosed) hear(text, isBroadcast)
    })

  // ---- what is brought there -------------------------------------------------------------------------------

  const carrier: InstanceCarrier = {
    carries: ({ channel }) => channel === 'flywheel',
    async deliver({ id, service }, message) {
      const at = message.to.indexOf(':')
      const text = formatUmf({
        ...message,
        to: `${id}@${service}:${at < 0 ? '/' : message.to.slice(at + 1)}`,
      })
      const heard = await publishMessage(channelOf(service, id), text).catch((error: Error) => {
        throw away(error)
      })
      if (heard === 0) throw new MessageProblem('no-instance', `No ${service} instances available`)
    },
  }
  const away = (error: Error): MessageProblem => {
    if (error instanceof StoreAway) return new MessageProblem('store-away', 'Redis can not be reached')
    complaints.about('command', 'Redis refused a command', { reason: error.message })
    return new MessageProblem('broken', 'Redis refused the command')
  }

  return {
    routerId,
    get isReachable() {
      return line.reach.isReachable
    },
    async start() {
      // First of all: services say nothing of their routes to a router they do not see.
      await beat()
      ends.push(
        hearOn(channelOf(ROUTER_SERVICE), true),
        hearOn(channelOf(ROUTER_SERVICE, routerId), false),
        clock.every(BEAT_MS, () => void beat()),
        line.reach.onChange((isReachable) => {
          if (!isReachable) awaySince ??= clock.monotonic()
          if (!isReachable || isClosed) return
          const awayMs = awaySince === undefined ? 0 : clock.monotonic() - awaySince
          awaySince = undefined
          // Before anybody looks: nobody has shown again yet.
          watch.returned(awayMs)
          void beat().then(() => {
            void watch.hint()
            directory.introduce()
            routes.rereadSoon()
          })
        }),
      )
      await watch.start()
      await arriving.settled()
      directory.introduce()
      // What was said before we were subscribed was not heard.
      routes.rereadSoon()
      ends.push(
        clock.every(settings.rereadMs, () => {
          routes.rereadSoon()
          void roll.again()
        }),
      )
      void routes.scan()
    },
    instances: () => reports.instances(watch.live()).catch(rethrow),
    nodes: () => reports.nodes().catch(rethrow),
    clear: () => reports.clear().catch(rethrow),
    routes: () => new Map([[ROUTER_SERVICE, OWN_ROUTES], ...roll.routes()]),
    async refresh(service) {
      await watch.hint()
      await arriving.settled()
      if (service === undefined) await routes.scan()
      await (service === undefined ? routes.reread() : routes.read([service])).catch(rethrow)
    },
    look: async () => !isClosed && line.reach.isReachable && (await looks.ask()),
    carrier,
    peers: directory,
    mail: createClientMail({ line: mailLine, settings, complaints, source }),
    async queue(service, message) {
      if (serviceProblem(service)) throw new MessageProblem('unknown-service', 'this is no name of a service')
      const most = String(settings.maxQueue)
      const length = await messageLine
        .run(QUEUE, [queueKey(service)], [formatUmf(message), most])
        .catch(rethrow)
      if (length !== 0) return
      complaints.about('queue-full', 'the queue of a service is full', { subject: service })
      throw new MessageProblem('mail-full', `the queue of ${service} is full`)
    },
    async append(stream, message, { mayMake = true } = {}) {
      const args = [formatUmf(message), String(settings.maxStreamLength), mayMake ? '1' : '0']
      const said = await messageLine.run(STREAM, [streamKey(stream)], args).catch(rethrow)
      if (typeof said === 'string') return said
      if (said === NOT_THERE) return undefined
      complaints.about('stream-full', 'a stream is full', { subject: stream })
      throw new MessageProblem('mail-full', `the stream ${stream} is full`)
    },
    onMessage(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async close() {
      if (isClosed) return
      isClosed = true
      for (const end of ends.splice(0)) end()
      cancelHint?.()
      looks.stop()
      watch.stop()
      routes.stop()
      await Promise.allSettled([directory.leave(), presence.leave()])
    },
  }

  function rethrow(error: Error): never {
    throw away(error)
  }
}

/** Waits for all that was begun. */
function createGathering(): { add(one: Promise<unknown>): void; settled(): Promise<void> } {
  const pending = new Set<Promise<unknown>>()
  return {
    add(one) {
      const kept: Promise<unknown> = one.catch(() => {}).finally(() => pending.delete(kept))
      pending.add(kept)
    },
    async settled() {
      while (pending.size > 0) await Promise.all(pending)
    },
  }
}
