/**
 * The book of fragments: who declares which, whose pages ask for them, since when, and what was judged of it.
 *
 * A change of one service is judged for the services it touches and no other: its own fragments, and those its pages
 * ask for. Nothing is done for services that declare nothing, nor when one more instance says what others said.
 *
 * The line of who was first is of declarations, not of processes: as long as one instance declares something, another
 * that says the same has its place, and a service that restarts finds its own again for `rememberMs`. Pages count
 * while their service has instances: when the last one is gone, fragments they kept out are let in.
 *
 * @module
 */
import type { FragmentConflict } from '@hydra-gateway/protocol'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import { type Judgement, judge, type Use } from './fragment-conflicts.ts'
import {
  type Declarant,
  type Group,
  groupsOf,
  isSame,
  isSameSaid,
  type Known,
  keysOf,
  offersOf,
  usesByService,
} from './fragment-index.ts'

export interface FragmentBook {
  /** The instances of a service are these now. Returns the services whose fragments are judged otherwise than before. */
  update(service: string, members: Iterable<Declarant>): readonly string[]
  /** Forgets a service and its place in the line. Returns as `update`. */
  forget(service: string): readonly string[]
  /** Fragments that are not asked for at an instance of a service, with the reason. */
  refusedAt(service: string, instanceId: string): ReadonlyMap<string, string> | undefined
  /** Whether something of a service is refused somewhere. */
  hasRefused(service: string): boolean
  /** All conflicts, then all warnings, by service; and how many more there are. */
  conflicts(): { readonly listed: readonly FragmentConflict[]; readonly more: number }
  /** Tags that ask for a fragment, those of its own service too, the first of the line first. */
  usesOf(service: string, ref: string): readonly Use[]
}

interface Verdict extends Judgement {
  /** By instance and ref. */
  readonly refusedAt: ReadonlyMap<string, ReadonlyMap<string, string>>
}

/** Conflicts of one change that are logged. */
const MOST_LOGGED = 20
const NOTHING: ReadonlyMap<string, never> = new Map<string, never>()

export function createFragmentBook({
  rememberMs,
  clock,
  log,
}: {
  /** How long a service without instances keeps its place in the line. */
  readonly rememberMs: number
  readonly clock: Pick<Clock, 'monotonic'>
  readonly log: Pick<Log, 'warn' | 'info'>
}): FragmentBook {
  const services = new Map<string, Known>()
  /** Services whose pages ask for fragments of a service. */
  const importers = new Map<string, Set<string>>()
  const verdicts = new Map<string, Verdict>()
  let line = 0
  let listed: ReturnType<FragmentBook['conflicts']> | undefined

  /** Those of other services. */
  const usesOf = (service: string, ref: string): readonly Use[] => {
    const uses: Use[] = []
    for (const page of importers.get(service) ?? [])
      uses.push(...(services.get(page)?.uses.get(service)?.get(ref) ?? []))
    return uses.sort((a, b) => a.since - b.since)
  }

  const judgeService = (service: string): boolean => {
    const before = verdicts.get(service)
    const known = services.get(service)
    const asked = new Set<string>()
    for (const page of importers.get(service) ?? [])
      for (const ref of services.get(page)?.uses.get(service)?.keys() ?? []) asked.add(ref)
    const judged =
      asked.size === 0 || !known ? undefined : judge(offersOf(known, asked), (ref) => usesOf(service, ref))
    const isClear = !judged || (judged.conflicts.length === 0 && judged.refused.size === 0)
    if (isClear && !before) return false
    const verdict = isClear ? undefined : { ...judged, refusedAt: refusedAt(judged) }
    if (verdict) verdicts.set(service, verdict)
    else verdicts.delete(service)
    listed = undefined
    tell(service, before, verdict)
    return true
  }

  /** Says what is new, and what is over, once. */
  const tell = (service: string, before: Verdict | undefined, after: Verdict | undefined): void => {
    const [old, now] = [before, after].map(
      (verdict) => new Map(verdict?.conflicts.map((one) => [keyOf(one), one])),
    )
    const added = [...now!].filter(([key]) => !old!.has(key)).map(([, one]) => one)
    for (const { kind, page, place, ref, refused, reason } of added.slice(0, MOST_LOGGED))
      log.warn({ service, ref, page, place, kind, refused, reason }, WORDS[refused])
    if (added.length > MOST_LOGGED)
      log.warn({ service, more: added.length - MOST_LOGGED }, 'more fragments do not fit pages')
    const over = [...old!].filter(([key]) => !now!.has(key)).length
    if (over > 0) log.info({ service, over }, 'fragments that did not fit pages are out of the way')
  }

  const replace = (service: string, known: Known, groups: ReadonlyMap<string, Group>): readonly string[] => {
    const touched = new Set([service, ...known.uses.keys()])
    for (const provider of known.uses.keys()) importers.get(provider)?.delete(service)
    known.groups = groups
    const declared = new Set([...groups.values()].flatMap(({ facts }) => [...keysOf(facts)]))
    // Without any instance its place is kept, not its say.
    if (known.leftAt === undefined)
      for (const key of known.since.keys()) if (!declared.has(key)) known.since.delete(key)
    for (const key of declared) if (!known.since.has(key)) known.since.set(key, ++line)
    Object.assign(known, usesByService(service, known))
    for (const provider of known.uses.keys()) {
      touched.add(provider)
      const pages = importers.get(provider) ?? new Set()
      importers.set(provider, pages.add(service))
    }
    for (const provider of touched) if (importers.get(provider)?.size === 0) importers.delete(provider)
    return [...touched].filter(judgeService)
  }

  return {
    update(service, members) {
      const known = services.get(service)
      const { groups, isEmpty } = groupsOf(members)
      if (!known && groups.size === 0) return []
      if (known && isSame(known.groups, groups)) return []
      const entry: Known = known ?? {
        groups: NOTHING,
        since: new Map(),
        uses: NOTHING,
        ownUses: NOTHING,
        leftAt: undefined,
      }
      services.set(service, entry)
      if (known && isSameSaid(known.groups, groups)) {
        // Only who says it changed: what fits what is as before.
        known.groups = groups
        return verdicts.has(service) && judgeService(service) ? [service] : []
      }
      if (entry.leftAt !== undefined && clock.monotonic() - entry.leftAt > rememberMs) entry.since.clear()
      entry.leftAt = isEmpty ? clock.monotonic() : undefined
      const judged = replace(service, entry, groups)
      if (groups.size === 0 && !isEmpty) services.delete(service)
      return judged
    },
    forget(service) {
      const known = services.get(service)
      if (!known) return []
      const judged = replace(service, known, NOTHING)
      services.delete(service)
      return judged
    },
    refusedAt: (service, instanceId) => verdicts.get(service)?.refusedAt.get(instanceId),
    hasRefused: (service) => (verdicts.get(service)?.refusedAt.size ?? 0) > 0,
    conflicts() {
      listed ??= listOf(verdicts)
      return listed
    },
    usesOf(service, ref) {
      const own = services.get(service)?.ownUses.get(ref) ?? []
      return [...usesOf(service, ref), ...own].sort((a, b) => a.since - b.since)
    },
  }
}

const WORDS: Record<FragmentConflict['refused'], string> = {
  ref: 'a fragment would break a page that is served: it is not asked for',
  use: 'a page asks for a fragment in a way that does not fit: it shows its fallback',
  none: 'a page asks for a fragment in a way that is likely a mistake',
}

function keyOf({ kind, page, place, ref, refused, reason }: FragmentConflict): string {
  return JSON.stringify([kind, page, place, ref, refused, reason])
}

function listOf(verdicts: ReadonlyMap<string, Verdict>): ReturnType<FragmentBook['conflicts']> {
  const sorted = [...verdicts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, verdict]) => verdict)
  const all = sorted.flatMap(({ conflicts }) => conflicts)
  const isWarning = ({ refused }: FragmentConflict): boolean => refused === 'none'
  return {
    listed: [...all.filter((one) => !isWarning(one)), ...all.filter(isWarning)],
    more: sorted.reduce((sum, { more }) => sum + more, 0),
  }
}

function refusedAt({ refused }: Judgement): Verdict['refusedAt'] {
  const at = new Map<string, Map<string, string>>()
  for (const [{ declared, instances }, reason] of refused) {
    for (const id of instances) {
      const reasons = at.get(id) ?? new Map<string, string>()
      at.set(id, reasons.set(declared.ref, reason))
    }
  }
  return at
}
