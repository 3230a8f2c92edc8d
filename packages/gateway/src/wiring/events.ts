/**
 * Site events: who sees what happens, where it is kept, who may read it.
 *
 * @module
 */
import { createEventDoor } from '../events/event-door.ts'
import { createJournal } from '../events/journal.ts'
import { watchSite } from '../events/site-watch.ts'
import { memberState, serviceState } from '../registry/overview.ts'
import type { Registry } from '../registry/registry.ts'
import type { HealthOf } from '../routing/link-state.ts'
import { eventsSlice } from '../slices.ts'
import type { Core } from './core.ts'

export type SiteEvents = ReturnType<typeof createSiteEvents>

export function createSiteEvents(
  { config, clock, log, metrics, live, vitals }: Core,
  { registry, healthOf }: { readonly registry: Registry; readonly healthOf: HealthOf },
) {
  const settings = eventsSlice(config)
  const journal = createJournal({ kept: settings.kept, clock, log })
  const stopWatching = watchSite({
    registry,
    states: {
      service: (entry) => serviceState(entry, vitals, healthOf),
      instance: (member) => memberState(member, vitals),
    },
    table: () => live.table,
    events: journal,
  })
  const door = createEventDoor({
    journal,
    settings,
    revision: () => live.table.revision,
    services: registry.entries,
    stateOf: (entry) => serviceState(entry, vitals, healthOf),
    clock,
    log,
    metrics,
  })
  return {
    journal,
    door,
    stop() {
      stopWatching()
      door.close()
    },
  }
}
