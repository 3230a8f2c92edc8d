/**
 * Several registries on one store, with everything that can go wrong between them: a store that is away, answers that are lost, writes that
 * are lost, hints that are lost, nodes that stand still or die. Time is told, and nothing listens anywhere.
 *
 * @module
 */
import { setImmediate as turn } from 'node:timers/promises'
import { type RegistrationInput, registration } from '@hydra-gateway/protocol'
import { createAdmission } from '../../address/admission.ts'
import type { Clock } from '../../observe/clock.ts'
import { createLog } from '../../observe/log.ts'
import { createManualClock } from '../../observe/manual-clock.ts'
import type { Live } from '../../routing/live.ts'
import { emptyTable } from '../../routing/table.ts'
import { createVitals } from '../../routing/vitals.ts'
import { createMemoryStore } from '../../store/memory.ts'
import type { InstanceStore } from '../../store/port.ts'
import type { Reach } from '../../store/reach.ts'
import type { Member } from '../member.ts'
import { createRegistry, type Registry } from '../registry.ts'
import { createSync } from '../sync.ts'

const SETTINGS = {
  maxRoutes: 20_000,
  maxInstances: 1000,
  leaseMs: 5000,
  checkMs: 250,
  resumeMs: 5000,
  forgetAfterMs: 3_600_000,
  takeoverAfterMs: 1_000_000,
  orphanForMs: 15_000,
}

/** `away`: nothing arrives. `deaf`: everything arrives, and no answer does. */
export type Access = 'there' | 'away' | 'deaf'

export interface TestNode {
  readonly name: string
  readonly registry: Registry
  readonly live: Live
  readonly lines: readonly { readonly level: number; readonly msg: string }[]
  readonly vitals: ReturnType<typeof createVitals>
  readonly state: 'runs' | 'frozen' | 'dead'
  readonly access: Access
  /** Whether hints reach it. */
  hears: boolean
  /** Operations asked of the store, by name. */
  readonly asked: Map<string, number>
  setAccess(access: Access): void
  freeze(): void
  thaw(): void
  /** Ends at once, without a word. */
  kill(): void
  /** Calls it now, or once it goes on. */
  tell(word: (registry: Registry) => void): void
  look(): Promise<void>
  serving(path: string): string[] | undefined
  serviceAt(path: string): string | undefined
  member(id: string): Member | undefined
}

class StoreAway extends Error {
  override readonly name = 'StoreAway'
}

type Write = { readonly at: number; readonly run: (store: InstanceStore) => Promise<unknown> }

/** A store whose latest writes can be lost, as a failover to an older copy loses them. */
export function createLossyStore(clock: Pick<Clock, 'monotonic'>) {
  let at: number | undefined
  const storeClock = { monotonic: () => at ?? clock.monotonic() }
  let current = createMemoryStore({ clock: storeClock })
  let writes: Write[] = []
  const watchers = new Set<() => void>()
  const hint = (): void => {
    for (const onHint of watchers) onHint()
  }
  current.watch(hint)
  const write = <T>(run: (store: InstanceStore) => Promise<T>): Promise<T> => {
    writes.push({ at: clock.monotonic(), run })
    return run(current)
  }
  const store: InstanceStore = {
    put: (...args) => write((one) => one.put(...args)),
    amend: (...args) => write((one) => one.amend(...args)),
    renew: (...args) => write((one) => one.renew(...args)),
    release: (...args) => write((one) => one.release(...args)),
    drain: (...args) => write((one) => one.drain(...args)),
    forget: (...args) => write((one) => one.forget(...args)),
    rerank: (...args) => write((one) => one.rerank(...args)),
    look: (seen) => current.look(seen),
    watch(onHint) {
      watchers.add(onHint)
      return () => void watchers.delete(onHint)
    },
    close: async () => {},
  }
  return {
    store,
    /** Loses the last writes; all of them when no number is given. */
    async lose(count = Number.POSITIVE_INFINITY) {
      writes = writes.slice(0, Math.max(0, writes.length - count))
      const older = createMemoryStore({ clock: storeClock })
      for (const one of writes) {
        at = one.at
        await one.run(older)
      }
      at = undefined
      current = older
      current.watch(hint)
      hint()
    },
  }
}

/** A clock of a process that may stand still: what falls due meanwhile is called when it goes on. */
function createNodeClock(time: Clock) {
  let state: 'runs' | 'frozen' | 'dead' = 'runs'
  const late = new Set<() => void>()
  const guarded = (run: () => void) => (): void => {
    if (state === 'runs') run()
    else if (state === 'frozen') late.add(run)
  }
  const clock: Clock = {
    now: time.now,
    monotonic: time.monotonic,
    every: (ms, run) => {
      const stop = time.every(ms, guarded(run))
      return () => {
        late.delete(run)
        stop()
      }
    },
    after: (ms, run) => {
      const stop = time.after(ms, guarded(run))
      return () => {
        late.delete(run)
        stop()
      }
    },
  }
  return {
    clock,
    get state() {
      return state
    },
    guarded,
    set(next: 'runs' | 'frozen' | 'dead') {
      state = next
      if (next !== 'runs') return
      const due = [...late]
      late.clear()
      for (const run of due) run()
    },
  }
}

export function setUpCluster({
  settings = {},
  random = () => 0.5,
}: {
  readonly settings?: object
  readonly random?: () => number
} = {}) {
  const time = createManualClock()
  const lossy = createLossyStore(time)
  const nodes: TestNode[] = []
  /** Whether a process takes connections, by port. */
  const listens = new Map<number, boolean>()
  const probes: number[] = []

  const startNode = (
    name: string,
    {
      wrap = (store) => store,
      isNodeThere,
    }: {
      readonly wrap?: (store: InstanceStore) => InstanceStore
      readonly isNodeThere?: (node: string) => boolean
    } = {},
  ): TestNode => {
    const own = createNodeClock(time)
    const { clock } = own
    const lines: { level: number; msg: string }[] = []
    const log = createLog('debug', { write: (line) => void lines.push(JSON.parse(line)) })
    const live: Live = { table: emptyTable() }
    const vitals = createVitals()
    const listeners = new Set<(isReachable: boolean) => void>()
    const asked = new Map<string, number>()
    let access: Access = 'there'
    const reach: Reach = {
      get isReachable() {
        return access === 'there'
      },
      since: 0,
      onChange(listener) {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
    }
    const reaching = wrap(lossy.store)
    /** A call of a process that died, or that nobody answers, changes nothing for the caller. */
    const line = Object.fromEntries(
      (['put', 'amend', 'renew', 'release', 'drain', 'forget', 'rerank', 'look'] as const).map((what) => [
        what,
        async (...args: never[]) => {
          asked.set(what, (asked.get(what) ?? 0) + 1)
          if (own.state === 'dead') throw new StoreAway('dead')
          if (access === 'away') throw new StoreAway('away')
          const answer = await (reaching[what] as (...all: never[]) => Promise<unknown>)(...args)
          if (access !== 'there') throw new StoreAway('no answer')
          return answer
        },
      ]),
    ) as unknown as InstanceStore
    const store: InstanceStore = {
      ...line,
      watch: (onHint) =>
        lossy.store.watch(() => {
          if (node.hears && access === 'there') own.guarded(onHint)()
        }),
      close: async () => {},
    }
    const registry = createRegistry({
      settings: { ...SETTINGS, ...settings },
      store,
      reach,
      isShared: true,
      probe: async ({ port }) => {
        probes.push(port)
        return listens.get(port) ?? true
      },
      ...(isNodeThere && { isNodeThere }),
      random,
      admission: createAdmission({ registrationFrom: ['loopback'], upstreamsAllow: ['loopback', 'private'] }),
      vitals,
      table: () => live.table,
      publish: (change) => {
        live.table =
          'forgotten' in change ? live.table.withoutService(change.forgotten) : live.table.withService(change)
      },
      node: `${name} ${nodes.length}`,
      clock,
      log,
    })
    const sync = createSync({ store, registry, clock, log })
    const inbox: ((registry: Registry) => void)[] = []
    const node: TestNode = {
      name,
      registry,
      live,
      lines,
      vitals,
      get state() {
        return own.state
      },
      get access() {
        return access
      },
      hears: true,
      asked,
      setAccess(next) {
        if (access === next) return
        access = next
        for (const listener of listeners) listener(access === 'there')
      },
      freeze() {
        if (own.state === 'runs') own.set('frozen')
      },
      thaw() {
        if (own.state !== 'frozen') return
        // Sockets and timers are read in no particular order: what was said first.
        const words = inbox.splice(0)
        own.set('runs')
        for (const word of words) word(registry)
      },
      kill() {
        own.set('dead')
        sync.stop()
        registry.stop()
      },
      tell(word) {
        if (own.state === 'runs') word(registry)
        else if (own.state === 'frozen') inbox.push(word)
      },
      look: sync.look,
      serving(path) {
        const route = live.table.match('', path, 'GET', false)
        return route && live.table.candidates(route).map(({ id }) => id)
      },
      serviceAt: (path) => live.table.match('', path, 'GET', false)?.service,
      member: (id) =>
        [...registry.entries()].flatMap(({ members }) => [...(members.get(id) ? [members.get(id)!] : [])])[0],
    }
    nodes.push(node)
    void sync.look()
    return node
  }

  let ports = 4000
  /** What an instance says when it registers. */
  const bean = (name: string, paths: readonly string[], more: Partial<RegistrationInput> = {}) => {
    const port = more.port ?? ++ports
    return registration.parse({
      name,
      host: '127.0.0.1',
      port,
      instanceId: port.toString(16).padStart(32, '0'),
      activeSince: 1000,
      protocol: 1,
      routes: paths.map((path) => ({ path })),
      ...more,
    })
  }
  const register = (
    { registry }: Pick<TestNode, 'registry'>,
    said: ReturnType<typeof bean>,
    channel: 'rsocket' | 'http' = 'rsocket',
  ) => registry.register(said, { channel, peer: '127.0.0.1' })

  /** Lets everything that was begun come to its end. */
  const settle = async (): Promise<void> => {
    await turn()
  }
  /** Lets time pass, in steps in which everybody may act. `onStep` is called after each. */
  const pass = async (ms: number, onStep?: (passedMs: number) => void): Promise<void> => {
    for (let passed = 0; passed < ms; ) {
      const step = Math.min(STEP_MS, ms - passed)
      time.advance(step)
      passed += step
      await turn()
      onStep?.(passed)
    }
  }
  const stop = (): void => {
    for (const node of nodes) if (node.state !== 'dead') node.kill()
  }
  return { time, lossy, nodes, listens, probes, startNode, bean, register, settle, pass, stop }
}

const STEP_MS = 50
