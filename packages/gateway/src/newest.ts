/**
 * Maps that don't grow without a bound.
 *
 * @module
 */

/** Sets a value as the newest of a map, which then has `most` at most: the oldest is forgotten. */
export function setNewest<Key, Value>(map: Map<Key, Value>, key: Key, value: Value, most: number): void {
  // A Map remembers in which order keys came, and one that is set again keeps its old place.
  map.delete(key)
  map.set(key, value)
  if (map.size > most) map.delete(map.keys().next().value as Key)
}
