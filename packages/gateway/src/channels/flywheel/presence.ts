/**
 * This node as services and other routers see it in Redis: an instance of `hydra-router`.
 *
 * Services say nothing of their routes to a router they do not see, so this stands before anything is read.
 *
 * @module
 */
import { ROUTER_SERVICE } from '@hydra-gateway/protocol/umf'
import type { Clock } from '../../observe/clock.ts'
import type { RedisLine } from '../../store/redis/port.ts'
import type { Complaints } from './complaints.ts'
import { BEAT, REGISTER } from './scripts.ts'
import { entryOf, healthOf, type RouterSelf } from './self.ts'
import { healthKey, NODES, OWN_ROUTES, presenceKey, routesKey, serviceKey } from './words.ts'

export interface Presence {
  /** A sign of life; what is missing beside it is written again. Rejects while Redis is away. */
  beat(): Promise<void>
  /** When the last one was taken, monotonic ms. */
  readonly beatAt: number
  /** Takes it all back. */
  leave(): Promise<void>
}

/** How long a service's health counts; the original's went before it was renewed (B1). */
const HEALTH_EVERY_MS = 5000

export function createPresence({
  line,
  self,
  onEmptied,
  clock,
  complaints,
}: {
  readonly line: RedisLine
  readonly self: RouterSelf
  /** What we wrote, and what nobody takes away but an operator, is gone: so is all else. */
  readonly onEmptied: () => void
  readonly clock: Pick<Clock, 'now' | 'monotonic'>
  readonly complaints: Complaints
}): Presence {
  const { routerId: id } = self
  const presence = presenceKey(ROUTER_SERVICE, id)
  const health = healthKey(ROUTER_SERVICE, id)
  const keys = [presence, NODES, health, serviceKey(ROUTER_SERVICE), routesKey(ROUTER_SERVICE)]
  let beatAt = Number.NEGATIVE_INFINITY
  let healthAt = Number.NEGATIVE_INFINITY
  let isRegistered = false
  let hasEntry = false

  const register = async (): Promise<void> => {
    const registeredOn = new Date(clock.now()).toISOString()
    const said = JSON.stringify({ serviceName: ROUTER_SERVICE, type: 'web', registeredOn })
    await line.run(REGISTER, [serviceKey(ROUTER_SERVICE), routesKey(ROUTER_SERVICE)], [said, ...OWN_ROUTES])
    isRegistered = true
  }

  return {
    get beatAt() {
      return beatAt
    },
    async beat() {
      const isDue = clock.monotonic() - healthAt >= HEALTH_EVERY_MS
      const [stands, fault, wasThere] = (await line.run(BEAT, keys, [
        id,
        JSON.stringify(entryOf(self, clock.now())),
        isDue ? JSON.stringify(healthOf(self, clock.now())) : '',
      ])) as [number, string, number]
      if (hasEntry && wasThere === 0) onEmptied()
      hasEntry = fault === ''
      beatAt = clock.monotonic()
      if (isDue) healthAt = beatAt
      if (fault !== '') complaints.about('own-entry', 'our entry was not taken', { reason: fault })
      if (!isRegistered || stands < 2) {
        // Redis was emptied, or this is the beginning: then health is missing as well.
        healthAt = Number.NEGATIVE_INFINITY
        await register()
      }
    },
    async leave() {
      await Promise.all([
        line.send(presence, ['DEL', presence, health]),
        line.send(NODES, ['HDEL', NODES, id]),
      ])
    },
  }
}
