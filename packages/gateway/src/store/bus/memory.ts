/**
 * Bus in memory: listeners of one process.
 *
 * @module
 */
import type { Bus } from './port.ts'

export function createMemoryBus(): Bus {
  const topics = new Map<string, Set<(text: string) => void>>()
  return {
    async publish(topic, text) {
      for (const onMessage of [...(topics.get(topic) ?? [])]) onMessage(text)
    },
    listen(topic, onMessage) {
      const listeners = topics.get(topic) ?? new Set()
      // One of its own for each: who listens twice hears twice, and ends each alone.
      const listener = (text: string): void => onMessage(text)
      topics.set(topic, listeners.add(listener))
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0 && topics.get(topic) === listeners) topics.delete(topic)
      }
    },
    async close() {
      topics.clear()
    },
  }
}
