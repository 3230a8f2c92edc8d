import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { after, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { eventually } from '../../../../../test/support/eventually.ts'
import { systemClock } from '../../observe/clock.ts'
import { busContract } from '../bus/contract.ts'
import { instanceStoreContract } from '../contract.ts'
import { identityStoreContract } from '../identity/contract.ts'
import { mailboxContract } from '../mailboxes/contract.ts'
import { nodeDirectoryContract } from '../nodes/contract.ts'
import type { Reach } from '../reach.ts'
import { createStoreInMemory, type Store } from '../store.ts'
import { type IpcChannel, ipcOfChild, ipcOfProcess } from './channel.ts'
import { createIpcStore, type IpcStoreDeps, openIpcStore } from './client.ts'
import { type ServeStoreOptions, serveStore } from './serve.ts'
import { createBranches } from './testing/branches.ts'

const PROGRAM = fileURLToPath(new URL('testing/store-process.ts', import.meta.url))

/** A process of its own that serves a store in memory, or many. */
function startStore(...args: readonly string[]): ChildProcess {
  return fork(PROGRAM, args, { execArgv: ['--conditions=hydra-source'] })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** One process for all contracts: each gets an empty store in it. */
let shared: { readonly child: ChildProcess; readonly branchOf: (name: string) => IpcChannel } | undefined
let opened = 0
after(() => shared && end(shared.child))

async function open(t: Pick<TestContext, 'after'>, rememberMs = 60_000) {
  if (!shared) {
    const child = startStore('branches')
    shared = { child, branchOf: createBranches(ipcOfChild(child)) }
  }
  const channel = shared.branchOf(`${++opened} ${rememberMs}`)
  const again = async (): Promise<Store> => {
    const store = await openIpcStore(channel, { clock: systemClock })
    t.after(() => store.close())
    return store
  }
  return { store: await again(), again }
}

instanceStoreContract('over a channel', async (t, { rememberMs }) => {
  const { store, again } = await open(t, rememberMs)
  return { store: store.instances, again: async () => (await again()).instances }
})

identityStoreContract('over a channel', async (t) => {
  const { store, again } = await open(t)
  return { store: store.identity, again: async () => (await again()).identity }
})

mailboxContract('over a channel', async (t) => {
  const { store, again } = await open(t)
  return {
    mailboxes: store.mailboxes,
    bus: store.bus,
    again: async () => (await again()).mailboxes,
    pass: (ms) => delay(ms),
  }
})

busContract('over a channel', async (t) => {
  const { store, again } = await open(t)
  return { bus: store.bus, again: async () => (await again()).bus }
})

nodeDirectoryContract('over a channel', async (t) => {
  const { store, again } = await open(t)
  return { nodes: store.nodes, again: async () => (await again()).nodes }
})

// ---- what may go wrong on the way --------------------------------------------------------------------------

/** Two ends in one process, and what goes over. */
function pair(): {
  here: IpcChannel
  there: IpcChannel
  cut(): void
  said: unknown[]
  isDeaf: { there: boolean }
} {
  const said: unknown[] = []
  const isDeaf = { there: false }
  const closing = new Set<() => void>()
  let isCut = false
  const end = () => ({ heard: new Set<(message: unknown) => void>() })
  const [a, b] = [end(), end()]
  const channel = (from: typeof a, to: typeof a, isHearing: () => boolean): IpcChannel => ({
    send(message) {
      if (isCut) return false
      said.push(message)
      const text = JSON.stringify(message)
      setImmediate(() => {
        if (!isCut && isHearing()) for (const listener of [...to.heard]) listener(JSON.parse(text))
      })
      return true
    },
    onMessage(listener) {
      from.heard.add(listener)
      return () => void from.heard.delete(listener)
    },
    onClose(listener) {
      closing.add(listener)
      return () => void closing.delete(listener)
    },
  })
  return {
    here: channel(a, b, () => !isDeaf.there),
    there: channel(b, a, () => true),
    cut() {
      isCut = true
      for (const listener of [...closing]) listener()
    },
    said,
    isDeaf,
  }
}

function served({
  over = {},
  serving = {},
  asking = {},
}: {
  over?: Partial<Store>
  serving?: ServeStoreOptions
  asking?: Partial<IpcStoreDeps>
} = {}) {
  const channels = pair()
  const memory = createStoreInMemory({ clock: systemClock })
  const lines: string[] = []
  const log = { warn: (_: object, text: string) => lines.push(text) } as never
  const stop = serveStore({ ...memory, ...over }, channels.there, { log, ...serving })
  const deps = { clock: systemClock, log, ...asking }
  return { ...channels, memory, lines, stop, deps, store: createIpcStore(channels.here, deps) }
}

const never = () => new Promise<never>(() => {})

test('a store over a channel says where it is, and whether it can be reached', async () => {
  const listeners = new Set<(isReachable: boolean) => void>()
  const reach = {
    ...{ isReachable: false, since: performance.now() - 5000 },
    onChange(listener: (isReachable: boolean) => void) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  } satisfies Reach
  const { here, deps, stop, cut } = served({ over: { place: 'redis at host:6379', isShared: true, reach } })
  const store = await openIpcStore(here, deps)
  assert.deepEqual(
    [store.place, store.isShared, store.identity.isLasting],
    ['redis at host:6379', true, false],
  )
  assert.equal(store.reach.isReachable, false)
  assert.ok(Math.abs(performance.now() - 5000 - store.reach.since) < 500, 'by the clock of this process')
  const told: boolean[] = []
  store.reach.onChange((isReachable) => told.push(isReachable))
  Object.assign(reach, { isReachable: true, since: performance.now() })
  for (const listener of listeners) listener(true)
  await eventually(() => assert.deepEqual(told, [true]))
  assert.equal(store.reach.isReachable, true)
  cut()
  assert.deepEqual([told, store.reach.isReachable], [[true, false], false])
  assert.equal(listeners.size, 0, 'nothing is left where the store is')
  stop()
})

test('errors of the store arrive as what they are', async () => {
  const refusal = Object.assign(new Error('not now'), { name: 'HydraError', code: 'HYDRA_CONFLICT' })
  const { store, memory } = served()
  memory.bus.publish = () => Promise.reject(refusal)
  await assert.rejects(store.mailboxes.append('a', 'xx', { most: 1, mostBytes: 1, keepMs: 1 }), RangeError)
  const failing = served({ over: { bus: { ...memory.bus, publish: () => Promise.reject(refusal) } } })
  await assert.rejects(failing.store.bus.publish('a', 'b'), { name: 'HydraError', code: 'HYDRA_CONFLICT' })
})

test('an answer that does not come in time is waited for no longer, and too late it changes nothing', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const memory = createStoreInMemory({ clock: systemClock })
  const slow = async (...args: Parameters<Store['nodes']['leave']>) => {
    await promise
    await memory.nodes.leave(...args)
  }
  const { store, lines } = served({
    over: { nodes: { ...memory.nodes, leave: slow } },
    asking: { timeoutMs: 30 },
  })
  await assert.rejects(store.nodes.leave('a'), { name: 'StoreAway', message: /did not answer within 30 ms/ })
  resolve()
  assert.deepEqual(await store.nodes.list(), [])
  assert.deepEqual(lines, [])
})

test('calls don’t pile up at either side', async () => {
  const memory = createStoreInMemory({ clock: systemClock })
  const over = { nodes: { ...memory.nodes, leave: never } }
  const few = served({ over, asking: { mostInFlight: 3, timeoutMs: 500 } })
  const waiting = ['a', 'b', 'c'].map((id) => few.store.nodes.leave(id))
  await assert.rejects(few.store.nodes.leave('d'), { name: 'StoreAway', message: /3 calls wait/ })
  few.cut()
  for (const one of waiting) await assert.rejects(one, { name: 'StoreAway' })

  const refusing = served({ over, serving: { mostInFlight: 2 }, asking: { timeoutMs: 500 } })
  const all = await Promise.allSettled(['a', 'b', 'c'].map((id) => refusing.store.nodes.leave(id)))
  assert.match(String((all[2] as PromiseRejectedResult).reason), /answers 2 calls already/)
})

test('when the channel closes every call that waits rejects, and later ones do at once', async () => {
  const memory = createStoreInMemory({ clock: systemClock })
  const { store, cut, here, deps } = served({ over: { nodes: { ...memory.nodes, list: never } } })
  const waiting = store.nodes.list()
  cut()
  await assert.rejects(waiting, { name: 'StoreAway', message: /is gone/ })
  await assert.rejects(store.nodes.leave('a'), { name: 'StoreAway', message: /is gone/ })
  await assert.rejects(openIpcStore(here, { ...deps, timeoutMs: 50 }), { name: 'StoreAway' })
})

test('a side that says nothing is not waited for without end', async () => {
  const { here } = pair()
  await assert.rejects(openIpcStore(here, { clock: systemClock, timeoutMs: 50 }), { message: /said nothing/ })
})

test('what can’t be understood is ignored and said once, what belongs to others is none of it', async () => {
  const { here, there, store, memory, lines } = served()
  const strange = [
    ...[null, 7, 'text', [], {}, { hello: 'worker' }],
    ...[
      { hydraStore: 'what' },
      { hydraStore: 7 },
      { hydraStore: 'listen' },
      { hydraStore: 'answer', id: 'x' },
    ],
    ...[
      { hydraStore: 'call', id: 'x' },
      { hydraStore: 'call', id: 'x', call: 'nodes.close', args: [] },
    ],
    ...[{ hydraStore: 'call', id: 'x', call: '__proto__', args: [] }],
    ...[{ hydraStore: 'call', id: 'x', call: 'nodes.list', args: { length: 1 } }],
    ...[{ hydraStore: 'call', id: 'x', call: 'identity.users.put', args: [null, { a: 1 }] }],
  ]
  for (const message of strange) here.send(message)
  for (const message of [
    ...strange,
    { hydraStore: 'fault', id: 'x', fault: 7 },
    { hydraStore: 'facts', place: 7 },
  ])
    there.send(message)
  assert.deepEqual(await store.nodes.list(), [])
  assert.deepEqual(await memory.identity.users.list(), [])
  assert.deepEqual(lines.toSorted(), [
    'a worker asks the store for what can’t be understood',
    'the process with the store says what can’t be understood',
  ])
})

test('a thousand changes in one moment are a few hints', async () => {
  const { store, memory, said } = served()
  let hints = 0
  store.identity.watch(() => hints++)
  await store.nodes.list()
  const before = said.length
  for (let i = 0; i < 1000; i++)
    void memory.identity.revocations.add({ kind: 'user', key: `u${i}`, at: i, until: 1e15, reason: '' })
  await eventually(() => assert.equal(hints, 2))
  await delay(20)
  assert.equal(said.length - before, 2)
})

test('who listens to nothing any more is told nothing', async () => {
  const { store, memory, said } = served()
  const heard: string[] = []
  const stops = [1, 2].map((n) => store.bus.listen('topic', (text) => heard.push(`${n} ${text}`)))
  await store.bus.publish('topic', 'a')
  await eventually(() => assert.deepEqual(heard, ['1 a', '2 a']))
  stops[0]!()
  stops[0]!()
  await store.bus.publish('topic', 'b')
  await eventually(() => assert.deepEqual(heard.slice(2), ['2 b']))
  stops[1]!()
  await store.nodes.list()
  const before = said.length
  await memory.bus.publish('topic', 'c')
  assert.equal(said.length, before)
})

test('a process with the store that is killed leaves nobody waiting', async (t) => {
  const child = startStore()
  t.after(() => end(child))
  const store = await openIpcStore(ipcOfChild(child), { clock: systemClock, timeoutMs: 20_000 })
  child.kill('SIGSTOP')
  const waiting = store.instances.look(undefined)
  waiting.catch(() => {})
  child.kill('SIGKILL')
  await assert.rejects(waiting, { name: 'StoreAway' })
  assert.equal(store.reach.isReachable, false)
})

test('a process that reads nothing costs the other side a bounded number of messages', async (t) => {
  const child = startStore()
  t.after(() => end(child))
  const channel = ipcOfChild(child, 100)
  const store = await openIpcStore(channel, { clock: systemClock, timeoutMs: 60_000, mostInFlight: 100_000 })
  child.kill('SIGSTOP')
  const text = 'x'.repeat(10_000)
  const all = Array.from({ length: 500 }, () => store.bus.publish('topic', text).then(() => 'sent', String))
  assert.match(await all.at(-1)!, /StoreAway: .* reads nothing/)
  child.kill('SIGCONT')
  const said = await Promise.all(all)
  assert.ok(said.filter((one) => one === 'sent').length >= 100)
  assert.equal(await store.bus.publish('topic', 'again'), undefined)
})

test('who was not started by another process has no channel', () => {
  assert.throws(() => ipcOfProcess({ connected: false }), /has started this one/)
})
