/**
 * Shares: which part of the visitors each version of a service gets, and the weight of instances inside one.
 *
 * A version has a share, not an instance: starting a third instance of a version moves nobody to it. The rules
 * (`medusa.md` 2.5), from the first that applies:
 *
 * 1. A version whose instances all have weight 0 gets nobody; when that is true of every version, all share
 *    equally.
 * 2. The newest version that takes visitors says how versions awake. `EQUAL_SHARE`: all share equally, and so
 *    do the instances of each.
 * 3. A weight other than the default 10 on any instance that takes visitors is a rollout declared by the
 *    services themselves: versions share by weight. A version weighs what the heaviest of its instances says,
 *    so that 90 and 10 are 90 % and 10 % of the visitors however many instances there are.
 * 4. `NEWEST_VERSION_WINS`: versions below the newest get nobody.
 *
 * Services of one rollout group share routes; there each version of each service is a slice of its own.
 *
 * @module
 */
import type { Instance } from './upstream.ts'
import { compareVersions } from './version.ts'

/** Weight of a registration that says nothing about it. */
export const DEFAULT_WEIGHT = 10

/** One version of one service. */
export interface Slice {
  /** `service@version`: equal for what visitors may not tell apart. */
  readonly key: string
  readonly service: string
  readonly version: string | number
  readonly instances: readonly Instance[]
  /** Part of the visitors, 0 to 1; all slices together make 1. */
  readonly share: number
}

/** The slice an instance belongs to. A service's name holds no `@`. */
export function sliceKey({ service, version }: Pick<Instance, 'service' | 'version'>): string {
  return `${service}@${String(version).toWellFormed()}`
}

/** What an instance weighs beside the others of its version: 0 takes nobody while another one can. */
export function instanceWeight({ weight, awakening }: Pick<Instance, 'weight' | 'awakening'>): number {
  return awakening === 'EQUAL_SHARE' && weight > 0 ? DEFAULT_WEIGHT : weight
}

/** Shares of the versions among some instances, newest version first; equal ones by key. */
export function versionShares(instances: readonly Instance[]): readonly Slice[] {
  const groups = new Map<string, Instance[]>()
  for (const instance of instances) {
    const key = sliceKey(instance)
    const group = groups.get(key)
    if (group) group.push(instance)
    else groups.set(key, [instance])
  }
  const order = newestFirst(instances)
  const sorted = [...groups].sort(([a, [x]], [b, [y]]) => order(x!, y!) || (a < b ? -1 : 1))
  const weights = versionWeights(
    sorted.map(([, members]) => members),
    order,
  )
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return sorted.map(([key, members], i) => {
    const { service, version } = members[0]!
    return Object.freeze({ key, service, version, instances: members, share: weights[i]! / total })
  })
}

/** Orders instances by version. Numbers beside text compare as text, or three of them could form a circle. */
function newestFirst(instances: readonly Instance[]): (a: Instance, b: Instance) => number {
  return instances.every(({ version }) => typeof version === 'number')
    ? (a, b) => Number(b.version) - Number(a.version)
    : (a, b) => compareVersions(String(b.version), String(a.version))
}

/** What each version weighs by the rules above; never all 0. */
function versionWeights(
  versions: readonly (readonly Instance[])[],
  order: (a: Instance, b: Instance) => number,
): number[] {
  const heaviest = versions.map((members) => Math.max(...members.map(({ weight }) => weight)))
  const newest = versions[heaviest.findIndex((weight) => weight > 0)]
  if (!newest) return heaviest.map(() => 1)
  if (newest.some(({ awakening }) => awakening === 'EQUAL_SHARE')) {
    return heaviest.map((weight) => (weight > 0 ? 1 : 0))
  }
  const isRollout = versions.some((members) =>
    members.some(({ weight }) => weight > 0 && weight !== DEFAULT_WEIGHT),
  )
  if (isRollout) return heaviest
  return versions.map((members, i) => (order(members[0]!, newest[0]!) === 0 ? heaviest[i]! : 0))
}
