/**
 * The balancer: which of several interchangeable instances serves a request.
 *
 * It passes over instances that rest and those that were tried for this request, and allocates nothing.
 * Which version a visitor sees is decided before (`share.ts`, `draw.ts`).
 *
 * @module
 */
import { instanceWeight } from './share.ts'
import type { Instance } from './upstream.ts'
import type { VitalsBook } from './vitals.ts'

export interface BalancerSettings {
  /** `p2c`: of two random ones the less busy; `round-robin`: one after the other. Both by weight. */
  readonly balance: 'p2c' | 'round-robin'
}

export interface Balancer {
  /** Whether an instance may be sent this request: it does not rest and was not tried for it. */
  isUsable(instance: Instance, tried: readonly Instance[]): boolean
  /** Chooses an instance, or none when all rest or were tried. Weight 0 only when nothing else is left. */
  pick(instances: readonly Instance[], tried: readonly Instance[]): Instance | undefined
}

interface BalancerDeps {
  readonly vitals: Pick<VitalsBook, 'of'>
  readonly settings: BalancerSettings
  /** From 0 to below 1, as Math.random. */
  readonly random: () => number
}

export function createBalancer({ vitals, settings, random }: BalancerDeps): Balancer {
  /** What round robin owes an instance. Keyed by the object, so one that is gone leaves nothing behind. */
  const credits = new WeakMap<Instance, { owed: number }>()

  const isUsable = (instance: Instance, tried: readonly Instance[]): boolean => {
    // By id, since a new table may hold the same instance in another object.
    for (let i = 0; i < tried.length; i++) if (tried[i]!.id === instance.id) return false
    return !vitals.of(instance.id).resting
  }

  /** A random usable instance other than `except`, by weight; `sum` is the weight of those. */
  const sample = (
    instances: readonly Instance[],
    tried: readonly Instance[],
    weigh: Weigh,
    sum: number,
    except: Instance | undefined,
  ): Instance | undefined => {
    let left = random() * sum
    let last: Instance | undefined
    for (const instance of instances) {
      if (instance === except || weigh(instance) === 0 || !isUsable(instance, tried)) continue
      last = instance
      left -= weigh(instance)
      if (left < 0) break
    }
    return last
  }

  /** The less busy of two; a tie goes to the first, so that an idle service is shared by weight as well. */
  const twoChoices: Choose = (instances, tried, weigh, sum) => {
    const first = sample(instances, tried, weigh, sum, undefined)
    const second = first && sample(instances, tried, weigh, sum - weigh(first), first)
    if (!second) return first
    const isLessBusy =
      vitals.of(second.id).inFlight * weigh(first) < vitals.of(first.id).inFlight * weigh(second)
    return isLessBusy ? second : first
  }

  /** Smooth weighted round robin: everyone is owed its weight, the one owed most pays for all. */
  const roundRobin: Choose = (instances, tried, weigh, sum) => {
    let chosen: Instance | undefined
    let most: { owed: number } | undefined
    for (const instance of instances) {
      if (weigh(instance) === 0 || !isUsable(instance, tried)) continue
      let credit = credits.get(instance)
      if (!credit) {
        credit = { owed: 0 }
        credits.set(instance, credit)
      }
      credit.owed += weigh(instance)
      if (most && credit.owed <= most.owed) continue
      chosen = instance
      most = credit
    }
    if (most) most.owed -= sum
    return chosen
  }

  return {
    isUsable,
    pick(instances, tried) {
      if (instances.length === 1) return isUsable(instances[0]!, tried) ? instances[0] : undefined
      let usable = 0
      let sum = 0
      for (const instance of instances) {
        if (!isUsable(instance, tried)) continue
        usable++
        sum += instanceWeight(instance)
      }
      if (usable === 0) return undefined
      const choose = settings.balance === 'round-robin' ? roundRobin : twoChoices
      return sum === 0
        ? choose(instances, tried, equally, usable)
        : choose(instances, tried, instanceWeight, sum)
    },
  }
}

type Weigh = (instance: Instance) => number
type Choose = (
  instances: readonly Instance[],
  tried: readonly Instance[],
  weigh: Weigh,
  sum: number,
) => Instance | undefined

const equally: Weigh = () => 1
