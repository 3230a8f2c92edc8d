/**
 * Asks for routes in Redis to be read again, once for all who ask for the same meanwhile.
 *
 * @module
 */
import type { FlywheelNetwork } from '../channels/flywheel/port.ts'
import { MessageProblem } from '../messaging/port.ts'

/** Resolves once the routes of a service, or of all, are served as they are in Redis. Rejects with a MessageProblem. */
export function createRefreshes(
  network: Pick<FlywheelNetwork, 'isReachable' | 'refresh'> | undefined,
  most: () => number,
): (service?: string) => Promise<void> {
  const running = new Map<string, { readonly reading: Promise<void>; next: Promise<void> | undefined }>()

  function read(key: string): Promise<void> {
    const reading = network!.refresh(key || undefined).finally(() => running.delete(key))
    running.set(key, { reading, next: undefined })
    return reading
  }

  return (service = '') => {
    if (!network) return Promise.resolve()
    if (!network.isReachable)
      return Promise.reject(new MessageProblem('store-away', 'Redis can not be reached'))
    // Beyond that many names at a time, somebody tries what happens: all are read at once.
    const key = running.size < most() || running.has(service) ? service : ''
    const before = running.get(key)
    if (!before) return read(key)
    // What is being read may be older than what whoever asks now has written.
    const again = (): Promise<void> => running.get(key)?.reading ?? read(key)
    before.next ??= before.reading.then(again, again)
    return before.next
  }
}
