/**
 * Who serves under a name: what services are answered that look for others.
 *
 * @module
 */
import type { Live } from '../routing/live.ts'
import type { FoundInstance } from './port.ts'

/** Makes the look-up. Instances that finish what was begun, or are not well, are left out. */
export function createFind(live: Live): (service: string) => readonly FoundInstance[] {
  return (service) =>
    live.table
      .instances(service)
      .map(({ id, version, channel, takesMessages = false }) => ({
        instanceId: id,
        service,
        version,
        channel,
        takesMessages: takesMessages || channel === 'flywheel',
      }))
      .sort((a, b) => (a.instanceId < b.instanceId ? -1 : 1))
}
