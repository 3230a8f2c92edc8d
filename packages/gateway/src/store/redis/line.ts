/**
 * The line to Redis: keeps connections to the servers that hold our keys, says whether Redis can be reached, and finds
 * it again.
 *
 * Commands are never kept for later: without a connection they reject at once. It looks for Redis every half second at
 * the latest, whatever it was that ended the connection.
 *
 * @module
 */
import type { Clock } from '../../observe/clock.ts'
import type { Log } from '../../observe/log.ts'
import type { Reach } from '../reach.ts'
import { readRedisUrl, type ServerAddress } from './address.ts'
import { type Connection, openConnection } from './connection.ts'
import { type Layout, layoutFinder, sameServer } from './layout.ts'
import { type RedisLine, type Script, StoreAway } from './port.ts'
import type { RedisSettings } from './settings.ts'

export interface RedisLineDeps {
  readonly settings: RedisSettings
  readonly clock: Clock
  readonly log: Log
  /** Spreads the attempts of many nodes. @default Math.random */
  readonly random?: () => number
}

/** A line that can say what is under way, for metrics and tests. */
export interface OpenRedisLine extends RedisLine {
  /** Commands without an answer. */
  inFlight(): number
}

/** Between attempts, ms: twice as long each time, and up to half of it at random. */
const FIRST_RETRY_MS = 50
const LAST_RETRY_MS = 500
/** How often is asked who holds what, where that can change without a connection ending. */
const LAYOUT_EVERY_MS = 5000

/** What the server says when it is not, or not yet, or not any more the one to ask. */
const NOT_HERE = /^(?:ERR .*-)?(READONLY|LOADING|MASTERDOWN|CLUSTERDOWN)\b/
/** It stands, and takes nothing for now. */
const NOT_NOW = /^(?:ERR .*-)?(TRYAGAIN|MISCONF|NOREPLICAS|BUSY|OOM)\b/
const MOVED = /^(MOVED|ASK) \d+ (.*):(\d+)$/

/** Resolves once Redis answered, or after `connectTimeoutMs`; it goes on looking for it. Rejects when the URL is none. */
export async function createRedisLine({
  settings,
  clock,
  log,
  random = Math.random,
}: RedisLineDeps): Promise<OpenRedisLine> {
  const address = readRedisUrl(settings.url)
  const { prefix, connectTimeoutMs, commandTimeoutMs, maxInFlight = 10_000 } = settings
  const { ca, cert, key, sentinelPassword } = settings
  /** What the registry's keys hang on: whether Redis can be reached is whether this can. */
  const home = `${prefix}{reg}:probe`
  const tls = address.tls ? { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) } : undefined
  const common = { tls, connectTimeoutMs, commandTimeoutMs, maxInFlight }
  const data = {
    ...common,
    username: address.username,
    password: address.password,
    database: address.database,
  }
  const isSentinel = address.kind === 'sentinel'
  const visiting = isSentinel
    ? { ...common, database: 0, password: sentinelPassword ?? address.password }
    : data
  const findLayout = layoutFinder(address, (server) => openConnection(server, visiting, clock))

  let connections: Connection[] = []
  let layout: Layout | undefined
  let isClosed = false
  let isRestoring = false
  let cancelRetry: (() => void) | undefined
  let lastFailure: Error | undefined
  /** When all was as it should be. */
  let upSince = Number.NEGATIVE_INFINITY
  const reach = createReach(clock)
  const subscriptions = new Map<string, Subscription>()

  const serving = (where: string): Connection | undefined => {
    const owner = layout?.owner(where)
    return owner && connections.find((one) => one.isOpen && sameServer(one.address, owner))
  }
  const away = (why: Error): void => {
    if (!reach.set(false)) return
    log.warn(
      { store: address.place, reason: why.message },
      'store: Redis is away, this node serves what it knows',
    )
  }
  const drop = (connection: Connection, why: Error): void => {
    connections = connections.filter((one) => one !== connection)
    connection.close(why)
    lost(why)
  }
  /** A connection is gone, or Redis is not where it was. */
  const lost = (why: Error): void => {
    if (isClosed) return
    if (!serving(home)) away(why)
    // Who lets us in and turns us out in the same second is not asked again at once.
    if (clock.monotonic() - upSince < LAST_RETRY_MS * 2) restoreSoon(LAST_RETRY_MS)
    else void restore()
  }

  async function open(server: ServerAddress): Promise<Connection> {
    const connection = await openConnection(server, data, clock)
    try {
      await probe(connection)
    } catch (error) {
      connection.close()
      throw error
    }
    if (isClosed) connection.close()
    connections.push(connection)
    connection.onEnd((why) => {
      connections = connections.filter((one) => one !== connection)
      lost(why)
    })
    return connection
  }

  /** That it is the primary, has its data, and takes ours. */
  async function probe(connection: Connection): Promise<void> {
    const role = await connection.send(['ROLE']).catch((error: Error) => {
      // Who may not ask finds out by the first write.
      if (error.message.startsWith('NOPERM')) return ['master']
      throw error
    })
    if (Array.isArray(role) && role[0] !== 'master')
      throw new Error(`${connection.address.host}:${connection.address.port} is a replica`)
    const owner = layout?.owner(home)
    // There is nothing to delete, but whoever takes no writes refuses it.
    if (!owner || sameServer(owner, connection.address)) await connection.send(['DEL', home])
  }

  async function bringUp(): Promise<void> {
    const found = await findLayout(connections.filter(({ isOpen }) => isOpen))
    if (isClosed) return
    layout = found
    for (const one of connections) {
      if (found.servers.some((server) => sameServer(server, one.address))) continue
      connections = connections.filter((other) => other !== one)
      one.close(new Error('it is not the primary any more'))
    }
    const missing = found.servers.filter(
      (server) => !connections.some((one) => one.isOpen && sameServer(server, one.address)),
    )
    const failures = (await Promise.allSettled(missing.map(open))).flatMap((result) =>
      result.status === 'rejected' ? [result.reason as Error] : [],
    )
    await Promise.all([...subscriptions.values()].map(place))
    if (!serving(home)) throw failures[0] ?? new Error('nobody holds our keys')
    const awayFor = Math.round(clock.monotonic() - reach.since)
    if (reach.set(true)) log.info({ store: address.place, awayForMs: awayFor }, 'store: Redis can be reached')
    if (failures[0]) throw failures[0]
  }

  /** Until all is as it should be. */
  async function restore(attempt = 0): Promise<void> {
    if (isRestoring || isClosed) return
    isRestoring = true
    cancelRetry?.()
    cancelRetry = undefined
    try {
      await bringUp()
    } catch (error) {
      if (isClosed) return
      lastFailure = error as Error
      if (!serving(home)) away(lastFailure)
      const longest = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** attempt)
      cancelRetry = clock.after(longest * (0.5 + random() / 2), () => void restore(attempt + 1))
      return
    } finally {
      isRestoring = false
    }
    // What was lost meanwhile was not heard of.
    upSince = clock.monotonic()
    const isUp = (server: ServerAddress): boolean =>
      connections.some((one) => one.isOpen && sameServer(server, one.address))
    if (!layout?.servers.every(isUp)) restoreSoon()
  }
  function restoreSoon(longest = FIRST_RETRY_MS): void {
    if (!isClosed) cancelRetry ??= clock.after(longest * (0.5 + random() / 2), () => void restore())
  }

  async function place(subscription: Subscription): Promise<void> {
    const connection = serving(subscription.channel)
    if (!connection || subscription.at === connection || subscription.listeners.size === 0) return
    if (subscription.at?.isOpen) subscription.at.unsubscribe(subscription.channel)
    subscription.at = connection
    try {
      await connection.subscribe(subscription.channel, subscription.hear)
    } catch (error) {
      if (error instanceof StoreAway) {
        if (subscription.at === connection) subscription.at = undefined
        return restoreSoon()
      }
      log.error(
        { err: error, channel: subscription.channel },
        'store: Redis lets us hear no messages of this channel',
      )
    }
  }

  /** What an error of Redis means for whoever asked, and for the line. */
  function judge(error: Error, connection: Connection): Error {
    if (error instanceof StoreAway) return error
    if (NOT_HERE.test(error.message)) {
      drop(connection, error)
      return new StoreAway(`Redis is away: ${error.message}`, { cause: error })
    }
    if (!NOT_NOW.test(error.message)) return error
    return new StoreAway(`Redis takes nothing now: ${error.message}`, { cause: error })
  }

  type Ask = (connection: Connection, isAsking: boolean) => Promise<unknown>
  async function ask(where: string, question: Ask): Promise<unknown> {
    let connection = serving(where)
    let isAsking = false
    if (!connection) throw new StoreAway(isClosed ? 'The store is closed.' : 'Redis is away.')
    try {
      return await question(connection, false)
    } catch (error) {
      const [, how, host, port] = MOVED.exec((error as Error).message) ?? []
      if (how === undefined) throw judge(error as Error, connection)
      if (how === 'MOVED') restoreSoon()
      isAsking = how === 'ASK'
      const target: ServerAddress = { host: host || connection.address.host, port: Number(port) }
      connection = connections.find((one) => one.isOpen && sameServer(one.address, target))
      if (!connection) throw new StoreAway('Redis is away: its slots are moving')
    }
    try {
      return await question(connection, isAsking)
    } catch (error) {
      throw judge(error as Error, connection)
    }
  }

  const stopChecking =
    address.kind === 'single' ? undefined : clock.every(LAYOUT_EVERY_MS, () => void restore())
  // Timers of a clock keep no process alive, and at the start there may be nothing else that does.
  const staysUp = setInterval(() => {}, 1000)
  await new Promise<void>((resolve) => {
    const ready = (): void => {
      clearInterval(staysUp)
      stopWaiting()
      stopListening()
      resolve()
    }
    const stopWaiting = clock.after(connectTimeoutMs, ready)
    const stopListening = reach.onChange(ready)
    void restore()
  })
  if (!reach.isReachable) {
    const reason = lastFailure?.message ?? `no connection within ${connectTimeoutMs} ms`
    log.warn({ store: address.place, reason }, 'store: Redis is away, this node begins without it')
  }

  return {
    place: address.place,
    reach,
    prefix,
    inFlight: () => connections.reduce((sum, one) => sum + one.inFlight, 0),
    send: (where, args) =>
      ask(where, (connection, isAsking) => (isAsking ? connection.sendAsking(args) : connection.send(args))),
    run(script: Script, keys, args) {
      return ask(keys[0]!, (connection, isAsking) =>
        isAsking
          ? connection.sendAsking(['EVAL', script.source, String(keys.length), ...keys, ...args])
          : connection.run(script, keys, args),
      )
    },
    async publish(channel, text) {
      await ask(channel, (connection) => connection.send(['PUBLISH', channel, text]))
    },
    subscribe(channel, onMessage) {
      const subscription = subscriptions.get(channel) ?? createSubscription(channel, log)
      subscriptions.set(channel, subscription)
      const listener = (text: string): void => onMessage(text)
      subscription.listeners.add(listener)
      void place(subscription)
      return () => {
        subscription.listeners.delete(listener)
        if (subscription.listeners.size > 0 || subscriptions.get(channel) !== subscription) return
        subscriptions.delete(channel)
        subscription.at?.unsubscribe(channel)
      }
    },
    async close() {
      if (isClosed) return
      isClosed = true
      cancelRetry?.()
      stopChecking?.()
      subscriptions.clear()
      for (const connection of connections) connection.close()
      connections = []
    },
  }
}

interface Subscription {
  readonly channel: string
  readonly listeners: Set<(text: string) => void>
  readonly hear: (text: string) => void
  /** Where it was asked for. */
  at: Connection | undefined
}

function createSubscription(channel: string, log: Log): Subscription {
  const listeners = new Set<(text: string) => void>()
  return {
    channel,
    listeners,
    hear(text) {
      for (const listener of [...listeners]) {
        try {
          listener(text)
        } catch (error) {
          log.error({ err: error, channel }, 'store: a message of Redis was not understood')
        }
      }
    },
    at: undefined,
  }
}

function createReach(clock: Pick<Clock, 'monotonic'>): Reach & { set(isReachable: boolean): boolean } {
  const listeners = new Set<(isReachable: boolean) => void>()
  let isReachable = false
  let since = clock.monotonic()
  return {
    get isReachable() {
      return isReachable
    },
    get since() {
      return since
    },
    onChange(listener) {
      const own = (now: boolean): void => listener(now)
      listeners.add(own)
      return () => void listeners.delete(own)
    },
    /** Whether that was a change. */
    set(now) {
      if (now === isReachable) return false
      isReachable = now
      since = clock.monotonic()
      for (const listener of [...listeners]) listener(now)
      return true
    },
  }
}
