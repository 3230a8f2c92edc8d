/**
 * A service with our SDK that composes its own page, behind our gateway, which brings it the fragments of others. Both
 * are measured together: visitors come through the gateway, and without it there would be no fragments.
 *
 * @module
 */
import { startChild } from '../support/child.ts'
import { startHydra } from '../support/hydra.ts'
import type { RunningOurs } from './peers.ts'
import type { PagePlace } from './stage.ts'

export async function startService(place: PagePlace): Promise<RunningOurs | { readonly refused: string }> {
  const gateway = await startHydra(place, {})
  if ('refused' in gateway) return gateway
  try {
    await place.join({ gatewayPort: gateway.port, parts: 'rsocket', hasPage: false })
    const service = await startChild(new URL('peers/service.ts', import.meta.url), [String(gateway.port)])
    return {
      port: gateway.port,
      pids: [gateway.pid, service.pid],
      profiled: { gateway, service },
      async end() {
        await service.end()
        await gateway.end()
      },
    }
  } catch (error) {
    await gateway.end()
    throw error
  }
}
