/**
 * A registry with everything around it that is not a network: a clock that is told, a table, a store.
 *
 * @module
 */
import { type RegistrationInput, registration } from '@hydra-gateway/protocol'
import { createAdmission } from '../../address/admission.ts'
import type { IdentityFacts } from '../../identity/port.ts'
import type { Clock } from '../../observe/clock.ts'
import { createLog } from '../../observe/log.ts'
import { createManualClock } from '../../observe/manual-clock.ts'
import type { Live } from '../../routing/live.ts'
import { emptyTable } from '../../routing/table.ts'
import { createVitals } from '../../routing/vitals.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { createRegistry, type RegistryDeps } from '../registry.ts'

const SETTINGS = {
  maxRoutes: 20_000,
  maxInstances: 100,
  leaseMs: 5000,
  checkMs: 250,
  resumeMs: 5000,
  forgetAfterMs: 3_600_000,
  takeoverAfterMs: 30_000,
}

export function setUpRegistry({
  settings = {},
  store: shared,
  node = 'a',
  clockOf = (clock) => clock,
  identity,
  health,
}: {
  settings?: object
  store?: ReturnType<typeof createMemoryStore>
  node?: string
  clockOf?: (clock: Clock) => Clock
  identity?: IdentityFacts
  health?: RegistryDeps['health']
} = {}) {
  const clock = createManualClock()
  const live: Live = { table: emptyTable() }
  const store = shared ?? createMemoryStore({ clock })
  const vitals = createVitals()
  const log = createLog('silent')
  const registry = createRegistry({
    settings: { ...SETTINGS, ...settings },
    store,
    admission: createAdmission({ registrationFrom: ['loopback'], upstreamsAllow: ['loopback', 'private'] }),
    vitals,
    table: () => live.table,
    publish: (change) => {
      live.table =
        'forgotten' in change ? live.table.withoutService(change.forgotten) : live.table.withService(change)
    },
    node,
    ...(identity && { identity }),
    ...(health && { health }),
    clock: clockOf(clock),
    log,
  })
  let ports = 3000
  const join = (name: string, paths: string[], more: Partial<RegistrationInput> = {}) => {
    const port = ++ports
    const bean = registration.parse({
      name,
      host: '127.0.0.1',
      port,
      instanceId: port.toString(16).padStart(32, '0'),
      routes: paths.map((path) => ({ path })),
      ...more,
    })
    return registry.register(bean, { channel: 'rsocket', peer: '127.0.0.1' })
  }
  const serving = (path: string): string[] | undefined => {
    const route = live.table.match('', path, 'GET', false)
    return route && live.table.candidates(route).map(({ id }) => id)
  }
  return { clock, live, registry, vitals, store, join, serving, log }
}
