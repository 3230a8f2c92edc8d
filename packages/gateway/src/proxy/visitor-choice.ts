/**
 * The choice among instances: what can be known of a list of candidates before anybody asks, and whom of them a
 * visitor gets. Routes and fragments are chosen by the same rules.
 *
 * @module
 */
import type { Balancer } from '../routing/balance.ts'
import { draw } from '../routing/draw.ts'
import { instanceWeight, type Slice, versionShares } from '../routing/share.ts'
import type { Instance } from '../routing/upstream.ts'
import { type Pin, pinned } from './visitor-pins.ts'

export interface Choice {
  /** Newest first, those without a share last. */
  readonly slices: readonly Slice[]
  readonly hasAffinity: boolean
  /** Whether the draw has more than one outcome. */
  readonly isShared: boolean
}

export interface Chooser {
  /** What is known of some candidates, kept for as long as they are one array. */
  choiceOf(candidates: readonly Instance[]): Choice
  /** The instance whose memory holds this visitor's state, while it can serve. `name`: what its version is pinned as. */
  pinnedInstance(
    pins: readonly Pin[],
    name: string,
    candidates: readonly Instance[],
    tried: readonly Instance[],
  ): Instance | undefined
  /**
   * An instance of the slice, or of the next ones when nobody there can serve. A visitor who is known gets the same
   * one each time of those that keep state, pinned or not.
   */
  pickFrom(
    slice: Slice | undefined,
    slices: readonly Slice[],
    tried: readonly Instance[],
    visitor: string | undefined,
  ): Instance | undefined
}

export function createChooser(balancer: Balancer): Chooser {
  const choices = new WeakMap<readonly Instance[], Choice>()

  /** Rendezvous: each instance draws for the visitor, by weight, so that one more or less moves only its own. */
  const stay = (
    visitor: string,
    instances: readonly Instance[],
    tried: readonly Instance[],
  ): Instance | undefined => {
    const usable = instances.filter((instance) => balancer.isUsable(instance, tried))
    const isWeighed = usable.some((instance) => instanceWeight(instance) > 0)
    let chosen: Instance | undefined
    let best = Number.NEGATIVE_INFINITY
    for (const instance of usable) {
      const weight = isWeighed ? instanceWeight(instance) : 1
      if (weight === 0) continue
      const score = Math.log(draw(visitor, instance.id) || Number.MIN_VALUE) / weight
      if (score <= best) continue
      best = score
      chosen = instance
    }
    return chosen
  }

  const pick = ({ instances }: Slice, tried: readonly Instance[], visitor: string | undefined) =>
    visitor !== undefined && instances.length > 1 && instances.some(({ affinity }) => affinity)
      ? stay(visitor, instances, tried)
      : balancer.pick(instances, tried)

  return {
    choiceOf(candidates) {
      const known = choices.get(candidates)
      if (known) return known
      const shares = versionShares(candidates)
      const visited = shares.filter(({ share }) => share > 0)
      const choice = {
        slices: [...visited, ...shares.filter(({ share }) => share === 0)],
        hasAffinity: candidates.some(({ affinity }) => affinity),
        isShared: visited.length > 1,
      }
      choices.set(candidates, choice)
      return choice
    },
    pinnedInstance(pins, name, candidates, tried) {
      const version = pinned(pins, 'version', name)
      for (const instance of candidates) {
        if (!instance.affinity || pinned(pins, 'instance', instance.service) !== instance.id) continue
        // Services of one group: the one that was drawn for these routes, not another they also know.
        if (version !== undefined && !version.startsWith(`${instance.service}@`)) continue
        if (balancer.isUsable(instance, tried)) return instance
      }
      return undefined
    },
    pickFrom(slice, slices, tried, visitor) {
      let instance = slice && pick(slice, tried, visitor)
      for (let i = 0; !instance && i < slices.length; i++) {
        if (slices[i] !== slice) instance = pick(slices[i]!, tried, visitor)
      }
      return instance
    },
  }
}
