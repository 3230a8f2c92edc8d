/**
 * What there is now, for `/_hydra/metrics`: asked when somebody reads them.
 *
 * @module
 */
import type { ServiceState } from '@hydra-gateway/protocol'
import type { LiveHub } from '../live/port.ts'
import type { Entry } from '../registry/member.ts'
import { servicesByState } from '../registry/overview.ts'
import type { Registry } from '../registry/registry.ts'
import type { Core } from './core.ts'

export interface GaugesDeps {
  readonly registry: Pick<Registry, 'entries'>
  readonly stateOf: (entry: Entry) => ServiceState
  readonly hub: Pick<LiveHub, 'size'>
}

export function setGauges({ metrics, live }: Core, { registry, stateOf, hub }: GaugesDeps): void {
  metrics.gaugeOf('revision', () => live.table.revision)
  metrics.gaugeOf('routes', () => live.table.size)
  metrics.servicesOf(() => servicesByState(registry.entries(), stateOf))
  metrics.gaugeOf('instances', () =>
    [...registry.entries()].reduce((sum, { members }) => sum + members.size, 0),
  )
  metrics.gaugeOf('livePages', () => hub.size)
}
