/**
 * A store that another process of the same gateway has: every facet of it, each call a message and its answer.
 *
 * Nothing waits without end: a call rejects when it takes too long, when too many wait already, and all of them when the
 * channel closes.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../../observe/clock.ts'
import type { Log } from '../../observe/log.ts'
import type { Bus } from '../bus/port.ts'
import { StoreAway } from '../redis/port.ts'
import type { Store } from '../store.ts'
import type { IpcChannel } from './channel.ts'
import {
  type Asked,
  type CallName,
  type CallOf,
  errorOf,
  type Facts,
  isOurs,
  parseTold,
  type Reached,
} from './messages.ts'

export interface IpcStoreDeps {
  readonly clock: Pick<Clock, 'monotonic' | 'after'>
  /** Until an answer has to be there. @default 5000 */
  readonly timeoutMs?: number
  /** Calls that may wait for their answers. @default 10000 */
  readonly mostInFlight?: number
  readonly log?: Pick<Log, 'warn'>
}

interface Pending {
  answered(value: unknown): void
  failed(error: Error): void
}

/** Makes the store of a process that was started by the one that has it. `place` and the like are known a moment later. */
export function createIpcStore(
  channel: IpcChannel,
  { clock, timeoutMs = 5000, mostInFlight = 10_000, log }: IpcStoreDeps,
): Store {
  return makeIpcStore(channel, { clock, timeoutMs, mostInFlight, log }).store
}

/** The same, once the other side has said what it has. Rejects when it says nothing in time. */
export async function openIpcStore(
  channel: IpcChannel,
  { clock, timeoutMs = 5000, mostInFlight = 10_000, log }: IpcStoreDeps,
): Promise<Store> {
  const { store, told } = makeIpcStore(channel, { clock, timeoutMs, mostInFlight, log })
  const { promise, reject } = Promise.withResolvers<never>()
  const away = (why: string) => () => reject(new StoreAway(why))
  const ends = [
    clock.after(timeoutMs, away(`the process with the store said nothing within ${timeoutMs} ms`)),
    channel.onClose(away('the process with the store is gone')),
  ]
  try {
    await Promise.race([told, promise])
    return store
  } catch (error) {
    await store.close()
    throw error
  } finally {
    for (const end of ends) end()
  }
}

function makeIpcStore(
  channel: IpcChannel,
  {
    clock,
    timeoutMs,
    mostInFlight,
    log,
  }: Required<Omit<IpcStoreDeps, 'log'>> & { readonly log: IpcStoreDeps['log'] | undefined },
): { readonly store: Store; readonly told: Promise<void> } {
  /** Several may use one channel: answers are told apart by their ids. */
  const self = randomUUID()
  const pending = new Map<string, Pending>()
  const hints = { instances: createSignal(), identity: createSignal() }
  const reached = createSignal()
  const firstFacts = Promise.withResolvers<void>()
  let calls = 0
  let malformed = 0
  let isClosed = false
  let facts: Omit<Facts, keyof Reached> = {
    place: 'the primary process',
    isShared: true,
    peoplePlace: 'the primary process',
    isLasting: true,
  }
  let reach = { isReachable: true, since: clock.monotonic() }

  const say = (asked: Asked): boolean => !isClosed && channel.send(asked)
  const ask =
    <Name extends CallName>(call: Name): CallOf<Name> =>
    // @ts-expect-error every call is its arguments and a promise of its answer, whatever they are
    (...args: readonly unknown[]) => {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>()
      if (isClosed) return Promise.reject(new StoreAway('the process with the store is gone'))
      if (pending.size >= mostInFlight)
        return Promise.reject(new StoreAway(`${pending.size} calls wait for the process with the store`))
      const id = `${self}-${++calls}`
      const stopWaiting = clock.after(timeoutMs, () => {
        pending.delete(id)
        reject(new StoreAway(`the process with the store did not answer within ${timeoutMs} ms`))
      })
      pending.set(id, {
        answered(value) {
          stopWaiting()
          resolve(value ?? undefined)
        },
        failed(error) {
          stopWaiting()
          reject(error)
        },
      })
      if (!say({ hydraStore: 'call', id, call, args })) {
        pending.delete(id)
        stopWaiting()
        reject(new StoreAway('the process with the store reads nothing'))
      }
      return promise
    }
  const turn = ({ isReachable, forMs }: Reached): void => {
    const isOther = isReachable !== reach.isReachable
    reach = { isReachable, since: clock.monotonic() - forMs }
    if (isOther) reached.tell()
  }
  const { bus, onBusMessage } = createIpcBus(ask('bus.publish'), (hydraStore, topic) =>
    say({ hydraStore, topic }),
  )

  const settle = (id: string, run: (one: Pending) => void): void => {
    const one = pending.get(id)
    // unknown: it came too late, or is for another who uses the channel
    if (!one) return
    pending.delete(id)
    run(one)
  }
  const stopHearing = channel.onMessage((message) => {
    if (!isOurs(message)) return
    const told = parseTold(message)
    switch (told?.hydraStore) {
      case 'answer':
        return settle(told.id, (one) => one.answered(told.value))
      case 'fault':
        return settle(told.id, (one) => one.failed(errorOf(told.fault)))
      case 'hint':
        return hints[told.of].tell()
      case 'reach':
        return turn(told)
      case 'message':
        return onBusMessage(told.topic, told.text)
      case 'facts':
        facts = told
        turn(told)
        return firstFacts.resolve()
      default:
        malformed++
        if (malformed === 1)
          log?.warn({ malformed }, 'the process with the store says what can’t be understood')
    }
  })
  const shut = (): void => {
    if (isClosed) return
    isClosed = true
    stopHearing()
    stopHearingEnd()
    for (const one of pending.values()) one.failed(new StoreAway('the process with the store is gone'))
    pending.clear()
  }
  const stopHearingEnd = channel.onClose(() => {
    shut()
    turn({ isReachable: false, forMs: 0 })
  })
  say({ hydraStore: 'hello' })

  const nothing = async (): Promise<void> => {}
  const store: Store = {
    get place() {
      return facts.place
    },
    get isShared() {
      return facts.isShared
    },
    reach: {
      get isReachable() {
        return reach.isReachable
      },
      get since() {
        return reach.since
      },
      onChange: (listener) => reached.watch(() => listener(reach.isReachable)),
    },
    instances: {
      put: ask('instances.put'),
      amend: ask('instances.amend'),
      renew: ask('instances.renew'),
      release: ask('instances.release'),
      drain: ask('instances.drain'),
      forget: ask('instances.forget'),
      rerank: ask('instances.rerank'),
      look: ask('instances.look'),
      watch: hints.instances.watch,
      close: nothing,
    },
    identity: {
      get place() {
        return facts.peoplePlace
      },
      get isLasting() {
        return facts.isLasting
      },
      users: {
        find: ask('identity.users.find'),
        list: ask('identity.users.list'),
        put: ask('identity.users.put'),
        remove: ask('identity.users.remove'),
      },
      links: {
        linked: ask('identity.links.linked'),
        link: ask('identity.links.link'),
        unlink: ask('identity.links.unlink'),
      },
      revocations: {
        add: ask('identity.revocations.add'),
        since: ask('identity.revocations.since'),
      },
      keyRing: { load: ask('identity.keyRing.load'), save: ask('identity.keyRing.save') },
      revision: ask('identity.revision'),
      watch: hints.identity.watch,
      close: nothing,
    },
    mailboxes: {
      open: ask('mailboxes.open'),
      append: ask('mailboxes.append'),
      read: ask('mailboxes.read'),
      acknowledge: ask('mailboxes.acknowledge'),
      leave: ask('mailboxes.leave'),
      remove: ask('mailboxes.remove'),
      told: ask('mailboxes.told'),
      close: nothing,
    },
    bus,
    nodes: { beat: ask('nodes.beat'), leave: ask('nodes.leave'), list: ask('nodes.list') },
    async close() {
      await bus.close()
      shut()
    },
  }
  return { store, told: firstFacts.promise }
}

/** The other side is told of a topic when the first listens to it here, and when the last has gone. */
function createIpcBus(publish: Bus['publish'], tell: (what: 'listen' | 'unlisten', topic: string) => void) {
  const topics = new Map<string, Set<(text: string) => void>>()
  const bus: Bus = {
    publish,
    listen(topic, onMessage) {
      // its own, as one function may listen twice
      const listener = (text: string): void => onMessage(text)
      const listeners = topics.get(topic) ?? new Set()
      if (listeners.size === 0) tell('listen', topic)
      topics.set(topic, listeners.add(listener))
      return () => {
        if (!listeners.delete(listener) || listeners.size > 0 || topics.get(topic) !== listeners) return
        topics.delete(topic)
        tell('unlisten', topic)
      }
    },
    async close() {
      for (const topic of topics.keys()) tell('unlisten', topic)
      topics.clear()
    },
  }
  return {
    bus,
    onBusMessage(topic: string, text: string): void {
      for (const listener of [...(topics.get(topic) ?? [])]) listener(text)
    },
  }
}

function createSignal() {
  const listeners = new Set<() => void>()
  return {
    tell(): void {
      for (const listener of [...listeners]) listener()
    },
    watch(listener: () => void): () => void {
      // its own, as one function may watch twice
      const own = (): void => listener()
      listeners.add(own)
      return () => void listeners.delete(own)
    },
  }
}
