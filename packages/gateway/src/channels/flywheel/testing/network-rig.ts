/**
 * A network at a real Redis with a registry and a table, without the rest of a gateway.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import { createAdmission } from '../../../address/admission.ts'
import { parseConfig } from '../../../config.ts'
import { systemClock } from '../../../observe/clock.ts'
import { createLog } from '../../../observe/log.ts'
import { createRegistry } from '../../../registry/registry.ts'
import type { Live } from '../../../routing/live.ts'
import { emptyTable } from '../../../routing/table.ts'
import { createVitals } from '../../../routing/vitals.ts'
import { flywheelNetworkSlice } from '../../../slices.ts'
import { createMemoryStore } from '../../../store/memory.ts'
import { openTestLine } from '../../../store/redis/testing/line.ts'
import { createFlywheelNetwork } from '../network.ts'
import type { FlywheelNetworkSettings } from '../settings.ts'

const SETTINGS = {
  maxRoutes: 20_000,
  maxInstances: 5000,
  leaseMs: 5000,
  checkMs: 250,
  resumeMs: 5000,
  forgetAfterMs: 3_600_000,
  takeoverAfterMs: 30_000,
}

export async function setUpNetwork(
  t: Pick<TestContext, 'after'>,
  {
    url,
    settings = {},
    upstreamsAllow = ['loopback', 'private'],
    routerId = randomUUID().replaceAll('-', ''),
  }: {
    readonly url: string
    readonly settings?: Partial<FlywheelNetworkSettings>
    readonly upstreamsAllow?: readonly string[]
    readonly routerId?: string
  },
) {
  const line = await openTestLine(t, { url, prefix: 'hydra-gateway:' })
  const logged: Record<string, unknown>[] = []
  const log = createLog('debug', { write: (text: string) => void logged.push(JSON.parse(text)) })
  const refused = new Map<string, number>()
  const live: Live = { table: emptyTable() }
  const registry = createRegistry({
    settings: SETTINGS,
    store: createMemoryStore({ clock: systemClock }),
    admission: createAdmission({ registrationFrom: ['loopback'], upstreamsAllow }),
    vitals: createVitals(),
    table: () => live.table,
    publish: (change) => {
      live.table =
        'forgotten' in change ? live.table.withoutService(change.forgotten) : live.table.withService(change)
    },
    node: 'a',
    clock: systemClock,
    log: createLog('silent'),
  })
  const network = createFlywheelNetwork({
    line,
    registry,
    self: {
      routerId,
      version: '1.9.15',
      hostName: 'test',
      ip: '127.0.0.1',
      port: () => 5353,
      process,
    },
    settings: { ...flywheelNetworkSlice(parseConfig({})), ...settings },
    metrics: { refused: (_what, reason) => void refused.set(reason, (refused.get(reason) ?? 0) + 1) },
    clock: systemClock,
    newId: randomUUID,
    log,
  })
  t.after(async () => {
    await network.close()
    registry.stop()
  })
  return {
    network,
    registry,
    line,
    live,
    /** What was ignored, by cause. */
    refused,
    logged,
    /** Ids of those that serve a path; undefined when nobody knows it. */
    serving(path: string, method = 'GET'): string[] | undefined {
      const route = live.table.match('', path, method, false)
      return route && live.table.candidates(route).map(({ id }) => id)
    },
    instance(id: string) {
      for (const entry of registry.entries()) {
        const member = entry.members.get(id)
        if (member) return member.instance
      }
      return undefined
    },
  }
}

export type NetworkRig = Awaited<ReturnType<typeof setUpNetwork>>
