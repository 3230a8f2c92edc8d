/**
 * Site events: who sees what happens, where it is kept, who may read it.
 *
 * @module
 */
import type { ServiceState } from '@hydra-gateway/protocol'
import { createEventDoor } from '../events/event-door.ts'
import { createJournal } from '../events/journal.ts'
import { watchSite } from '../events/site-watch.ts'
import type { Entry } from '../registry/member.ts'
import { memberState } from '../registry/overview.ts'
import type { Registry } from '../registry/registry.ts'
import { eventsSlice } from '../slices.ts'
import type { Core } from './core.ts'

export type SiteEvents = ReturnType<typeof createSiteEvents>

export function createSiteEvents(
  { config, clock, log, metrics, live, vitals }: Core,
  { registry, stateOf }: { readonly registry: Registry; readonly stateOf: (entry: Entry) => ServiceState },
) {
  const settings = eventsSlice(config)
  const journal = createJournal({ kept: settings.kept, clock, log })
  const stopWatching = watchSite({
    registry,
    states: {
      service: stateOf,
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
    stateOf,
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
