/**
 * Bus in Redis: published messages. Nothing is kept: who is cut off while something is said doesn't hear it.
 *
 * @module
 */
import type { Bus } from '../bus/port.ts'
import type { RedisLine } from './port.ts'

/** Channel of a topic; scripts publish there too. */
export function busChannel(prefix: string, topic: string): string {
  // With the tag of the registry, so that in a Cluster whoever reaches one reaches the other.
  return `${prefix}{reg}:bus:${topic}`
}

export function createRedisBus({ line }: { line: RedisLine }): Bus {
  const channelOf = (topic: string): string => busChannel(line.prefix, topic)
  const endings = new Set<() => void>()
  return {
    publish: (topic, text) => line.publish(channelOf(topic), text),
    listen(topic, onMessage) {
      const stopHearing = line.subscribe(channelOf(topic), onMessage)
      const stop = (): void => {
        endings.delete(stop)
        stopHearing()
      }
      endings.add(stop)
      return stop
    },
    async close() {
      for (const stop of [...endings]) stop()
    },
  }
}
