/**
 * What a part of this node tells the same part of all others that share its store. For news others do without: nothing is
 * waited for, and what is said while the store is away is lost.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import type { Bus } from './port.ts'

/** Bytes of the name under which a part speaks, so that it knows its own words. */
const NAME_BYTES = 9
const NAME_LENGTH = (NAME_BYTES / 3) * 4

/**
 * Calls back with what the others say under a topic, and returns what tells them. Without a bus there are none. One that
 * calls back and throws is logged by the store.
 */
export function tellOthers(
  bus: Pick<Bus, 'publish' | 'listen'> | undefined,
  topic: string,
  onHeard: (text: string) => void,
): (text: string) => void {
  if (!bus) return () => {}
  const self = randomBytes(NAME_BYTES).toString('base64url')
  bus.listen(topic, (said) => {
    if (!said.startsWith(self)) onHeard(said.slice(NAME_LENGTH))
  })
  return (text) => {
    bus.publish(topic, self + text).catch(() => {})
  }
}
