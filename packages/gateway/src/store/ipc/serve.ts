/**
 * The side that has the store: answers the calls of one other process, and passes hints and messages on to it.
 *
 * @module
 */
import { type Clock, systemClock } from '../../observe/clock.ts'
import type { Log } from '../../observe/log.ts'
import type { Store } from '../store.ts'
import type { IpcChannel } from './channel.ts'
import { type Asked, CALLS, faultOf, isOurs, parseAsked, type Told } from './messages.ts'

export interface ServeStoreOptions {
  readonly clock?: Pick<Clock, 'monotonic'>
  readonly log?: Pick<Log, 'warn'>
  /** Calls that are answered at a time; further ones are refused. @default 10000 */
  readonly mostInFlight?: number
  /** Topics the other side may listen to. @default 10000 */
  readonly mostTopics?: number
}

/** Serves a store over a channel until the channel closes, or the returned function is called. */
export function serveStore(
  store: Store,
  channel: IpcChannel,
  { clock = systemClock, log, mostInFlight = 10_000, mostTopics = 10_000 }: ServeStoreOptions = {},
): () => void {
  const say = (told: Told): boolean => channel.send(told)
  const reached = () => {
    const { isReachable, since } = store.reach
    return { isReachable, forMs: Math.max(0, clock.monotonic() - since) }
  }
  const topics = new Map<string, { listeners: number; readonly stop: () => void }>()
  let inFlight = 0
  let malformed = 0

  const answer = async ({ id, call, args }: Extract<Asked, { hydraStore: 'call' }>): Promise<void> => {
    if (inFlight >= mostInFlight) {
      const message = `the primary answers ${inFlight} calls already`
      say({ hydraStore: 'fault', id, fault: { name: 'StoreAway', message } })
      return
    }
    inFlight++
    try {
      // JSON has no undefined; none of the calls takes null
      const given = args.map((one) => one ?? undefined) as never[]
      const run = CALLS[call](store) as (...given: never[]) => Promise<unknown>
      const value = await run(...given)
      say({ hydraStore: 'answer', id, value })
    } catch (error) {
      say({ hydraStore: 'fault', id, fault: faultOf(error) })
    } finally {
      inFlight--
    }
  }
  const listen = (topic: string): void => {
    const known = topics.get(topic)
    if (known) known.listeners++
    else if (topics.size >= mostTopics)
      log?.warn({ topics: topics.size }, 'a worker listens to too many topics')
    else {
      // What a side that reads nothing does not take is lost, as on any bus.
      const stop = store.bus.listen(topic, (text) => void say({ hydraStore: 'message', topic, text }))
      topics.set(topic, { listeners: 1, stop })
    }
  }
  const unlisten = (topic: string): void => {
    const known = topics.get(topic)
    if (!known || --known.listeners > 0) return
    known.stop()
    topics.delete(topic)
  }

  const ends = [
    channel.onMessage((message) => {
      if (!isOurs(message)) return
      const asked = parseAsked(message)
      if (asked === undefined) {
        malformed++
        if (malformed === 1) log?.warn({ malformed }, 'a worker asks the store for what can’t be understood')
      } else if (asked.hydraStore === 'call') void answer(asked)
      else if (asked.hydraStore === 'listen') listen(asked.topic)
      else if (asked.hydraStore === 'unlisten') unlisten(asked.topic)
      else {
        const { place, isShared, identity } = store
        const { place: peoplePlace, isLasting } = identity
        say({ hydraStore: 'facts', place, isShared, peoplePlace, isLasting, ...reached() })
      }
    }),
    store.instances.watch(once(() => say({ hydraStore: 'hint', of: 'instances' }))),
    store.identity.watch(once(() => say({ hydraStore: 'hint', of: 'identity' }))),
    store.reach.onChange(() => void say({ hydraStore: 'reach', ...reached() })),
    channel.onClose(() => stop()),
  ]
  const stop = (): void => {
    for (const end of ends) end()
    for (const topic of topics.values()) topic.stop()
    topics.clear()
  }
  return stop
}

/** Runs at once, and once more for all that is asked for until the event loop has gone round. */
function once(run: () => void): () => void {
  let isResting = false
  let again = false
  return () => {
    again = isResting
    if (isResting) return
    isResting = true
    run()
    setImmediate(() => {
      isResting = false
      if (!again) return
      again = false
      run()
    })
  }
}
