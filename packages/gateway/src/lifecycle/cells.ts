/**
 * Settings that may change while the gateway runs. Whoever is told of them is given an object whose fields are replaced,
 * all of all objects in one tick; so they are read where they are used, and not kept.
 *
 * @module
 */
import type { Config } from '../config.ts'

export interface Cells {
  /** What a part is told of the configuration, kept as it is now. */
  of<Slice extends object>(slice: (config: Config) => Slice): Slice
  /** For what has to be made anew. `prepare` may throw, and then nothing changes; what it returns makes the change. */
  onChange(prepare: (after: Config, before: Config) => () => void): void
  /** Replaces everything, or throws and replaces nothing. */
  set(config: Config): void
}

export function createCells(config: Config): Cells {
  let current = config
  const prepares: ((after: Config, before: Config) => () => void)[] = []
  return {
    of(slice) {
      const cell = { ...slice(current) }
      prepares.push((after) => {
        const fresh = slice(after)
        return () => void Object.assign(cell, fresh)
      })
      return cell
    },
    onChange: (prepare) => void prepares.push(prepare),
    set(after) {
      const changes = prepares.map((prepare) => prepare(after, current))
      for (const change of changes) change()
      current = after
    },
  }
}
