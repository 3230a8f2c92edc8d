/**
 * One connection to one Redis server, for commands and messages alike (RESP3). It lives once: whoever loses it opens
 * another.
 *
 * A connection on which nothing is heard is dropped: silence is asked each second, so that a server behind a cut cable,
 * or one that stands still, is noticed within a second and `commandTimeoutMs`.
 *
 * @module
 */
import { createClient, ErrorReply, RESP_TYPES } from '@redis/client'
import type { Clock } from '../../observe/clock.ts'
import type { ServerAddress } from './address.ts'
import { type Script, StoreAway } from './port.ts'
import { digestOf } from './script.ts'

export interface ConnectionSettings {
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly database: number
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string } | undefined
  readonly connectTimeoutMs: number
  readonly commandTimeoutMs: number
  /** Commands that may be under way at once; more are refused. */
  readonly maxInFlight: number
}

export interface Connection {
  readonly address: ServerAddress
  readonly isOpen: boolean
  /** Commands without an answer. */
  readonly inFlight: number
  /** Rejects with StoreAway when there is no answer in time, and with Redis' own error when that is the answer. */
  send(args: readonly string[]): Promise<unknown>
  run(script: Script, keys: readonly string[], args: readonly string[]): Promise<unknown>
  /** The next one at another node of the Cluster, while a slot moves there. */
  sendAsking(args: readonly string[]): Promise<unknown>
  subscribe(channel: string, onMessage: (text: string) => void): Promise<void>
  unsubscribe(channel: string): void
  /** Calls back once, when it ended by itself. */
  onEnd(listener: (why: Error) => void): void
  /** Rejects what is under way. */
  close(why?: Error): void
}

/** How long nothing may be heard until it is asked, ms. */
const ASK_AFTER_MS = 1000

/** What is answered looks as it does in RESP2, whatever a command would say in RESP3. */
const FLAT = { [RESP_TYPES.MAP]: Array, [RESP_TYPES.SET]: Array, [RESP_TYPES.DOUBLE]: String } as const

/**
 * What all clients have in common. They are copies of one: whoever makes each by itself has the library build all its
 * commands anew, which takes 25 ms.
 */
const blank = once(() =>
  createClient({
    RESP: 3,
    // Connections are opened anew by the line: only it knows who is primary by then.
    disableOfflineQueue: true,
    commandOptions: { timeout: 0, typeMapping: FLAT },
    maintNotifications: 'disabled',
    disableClientInfo: true,
  }),
)

function once<Value>(make: () => Value): () => Value {
  let value: Value | undefined
  return () => (value ??= make())
}

/** Rejects when it can't be had within `connectTimeoutMs`. */
export async function openConnection(
  address: ServerAddress,
  settings: ConnectionSettings,
  clock: Clock,
): Promise<Connection> {
  const { username, password, database, tls, connectTimeoutMs, commandTimeoutMs, maxInFlight } = settings
  const client = blank().duplicate({
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    database,
    commandsQueueMaxLength: maxInFlight + 16,
    socket: {
      host: address.host,
      port: address.port,
      connectTimeout: connectTimeoutMs,
      reconnectStrategy: false,
      ...(tls ? { tls: true, ...tls } : {}),
    } as never,
  })

  let isOpen = false
  let inFlight = 0
  let heardAt = clock.monotonic()
  let ended: Error | undefined
  let onEnd: ((why: Error) => void) | undefined
  const rejects = new Set<(why: Error) => void>()
  /** Scripts the server has been given over this connection: from then on their hash is enough. */
  const given = new Set<string>()
  const stopAsking = clock.every(ASK_AFTER_MS, () => {
    if (isOpen && clock.monotonic() - heardAt >= ASK_AFTER_MS)
      ask(() => client.sendCommand(['PING'])).catch(() => {})
  })

  const end = (why: Error): void => {
    if (ended) return
    ended = why
    isOpen = false
    stopAsking()
    client.destroy()
    for (const reject of rejects) reject(new StoreAway(`Redis is away: ${why.message}`, { cause: why }))
    rejects.clear()
    onEnd?.(why)
  }
  client.on('error', end)
  client.on('end', () => end(new Error('the connection was closed')))

  const ask = <Result>(give: () => Promise<Result>): Promise<Result> => {
    if (!isOpen) return Promise.reject(new StoreAway(`Redis is away: ${ended?.message ?? 'not connected'}`))
    if (inFlight >= maxInFlight)
      return Promise.reject(new StoreAway(`Redis is asked too much: ${inFlight} commands are under way`))
    inFlight++
    const askedAt = clock.monotonic()
    return new Promise<Result>((resolve, reject) => {
      let isDone = false
      rejects.add(reject)
      const stopWaiting = clock.after(commandTimeoutMs, () => {
        // After a pause of this process the answer may have been here for long, unread.
        setImmediate(() => {
          if (isDone) return
          const why = new Error(`no answer within ${commandTimeoutMs} ms`)
          if (heardAt <= askedAt) return end(why)
          // It answers others, only not in time.
          rejects.delete(reject)
          reject(new StoreAway(`Redis is slow: ${why.message}`, { cause: why }))
        })
      })
      const done = (settle: () => void): void => {
        isDone = true
        inFlight--
        stopWaiting()
        rejects.delete(reject)
        heardAt = clock.monotonic()
        settle()
      }
      give().then(
        (result) => done(() => resolve(result)),
        (error: Error) =>
          done(() =>
            reject(error instanceof ErrorReply ? error : new StoreAway(`Redis is away: ${error.message}`)),
          ),
      )
    })
  }

  const stopWaiting = clock.after(connectTimeoutMs, () =>
    end(new Error(`no connection within ${connectTimeoutMs} ms`)),
  )
  try {
    await new Promise<void>((resolve, reject) => {
      onEnd = reject
      client.connect().then(() => resolve(), end)
    })
  } finally {
    stopWaiting()
    onEnd = undefined
  }
  isOpen = true

  const send = (args: readonly string[]): Promise<unknown> => ask(() => client.sendCommand(args as string[]))
  /** The client forgets listeners when the answer to their end is there: who comes before that waits for it. */
  const turns = new Map<string, Promise<void>>()
  const inTurn = (channel: string, give: () => Promise<void>): Promise<void> => {
    const turn = (turns.get(channel) ?? Promise.resolve()).catch(() => {}).then(() => ask(give))
    turns.set(channel, turn)
    const done = (): void => {
      if (turns.get(channel) === turn) turns.delete(channel)
    }
    turn.then(done, done)
    return turn
  }
  return {
    address,
    get isOpen() {
      return isOpen
    },
    get inFlight() {
      return inFlight
    },
    send,
    async run(script, keys, args) {
      const hash = digestOf(script)
      const rest = [String(keys.length), ...keys, ...args]
      if (!given.has(hash)) {
        // Whatever follows on this connection is run after it, and finds it there.
        given.add(hash)
        return send(['EVAL', script.source, ...rest])
      }
      try {
        return await send(['EVALSHA', hash, ...rest])
      } catch (error) {
        if (!(error as Error).message.startsWith('NOSCRIPT')) throw error
        return send(['EVAL', script.source, ...rest])
      }
    },
    async sendAsking(args) {
      const [, answer] = await Promise.all([send(['ASKING']), send(args)])
      return answer
    },
    async subscribe(channel, onMessage) {
      await inTurn(channel, () =>
        client.subscribe(channel, (text) => {
          heardAt = clock.monotonic()
          onMessage(text)
        }),
      )
    },
    unsubscribe(channel) {
      inTurn(channel, () => client.unsubscribe(channel)).catch(() => {})
    },
    onEnd(listener) {
      if (ended) listener(ended)
      else onEnd = listener
    },
    close(why = new Error('closed')) {
      onEnd = undefined
      end(why)
    },
  }
}
