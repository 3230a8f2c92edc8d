/**
 * One gateway after the other at the same ports: what the one before knew comes to this one, and what this one knows goes
 * to the next. With a store that several share there is nothing to say.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { Store } from '../store/store.ts'
import { createTaking, type HandedState, handOver } from './handover.ts'
import type { ParentLine } from './parent-line.ts'

export interface Succession {
  /** Resolves when everything the gateway before knew is in the store; at once when there was none. */
  inherit(): Promise<void>
}

export interface SuccessionDeps {
  readonly parent: ParentLine
  readonly store: Pick<Store, 'instances' | 'isShared'>
  readonly leaseMs: number
  readonly clock: Clock
  readonly log: Log
}

/** Who is to hand over may hang: then this one starts with what it hears itself. */
const PATIENCE_MS = 5000

export function createSuccession({ parent, store, leaseMs, clock, log }: SuccessionDeps): Succession {
  if (store.isShared) return { inherit: async () => {} }
  const take = createTaking({ store: store.instances, leaseMs, log })
  let onFirst: ((state: HandedState | undefined) => void) | undefined
  let handing: Promise<() => void> | undefined
  parent.onMessage((message) => {
    if (message.hydra === 'handed') {
      const { state } = message
      if (onFirst) onFirst(state)
      else if (state) void take(state)
    } else if (message.hydra === 'hand-over') {
      // One that asked before could not start.
      void handing?.then((stop) => stop())
      // Until this process ends: as long as services are heard here, the next one has to know.
      handing = handOver({
        store: store.instances,
        give: (state) => parent.say({ hydra: 'handed', state }),
        clock,
      })
      handing.catch((error) => log.warn({ err: error }, 'what is known was not handed over'))
    }
  })
  return {
    async inherit() {
      const first = new Promise<HandedState | undefined>((resolve) => {
        const stopWaiting = clock.after(PATIENCE_MS, () => resolve(undefined))
        onFirst = (state) => {
          onFirst = undefined
          stopWaiting()
          resolve(state)
        }
      })
      parent.say({ hydra: 'asks' })
      const state = await first
      onFirst = undefined
      if (!state) return
      await take(state)
      log.info({ instances: state.instances.length }, 'services of the gateway before were taken over')
    },
  }
}
