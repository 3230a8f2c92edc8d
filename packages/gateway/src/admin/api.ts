/**
 * The admin API: what operators and the command line see and do, under `/_hydra/api/v1`.
 *
 * Plain functions from the registry and the table to JSON; who may call is decided before (`control/`).
 *
 * @module
 */
import {
  type DrainAnswer,
  type FragmentsAnswer,
  type InstanceInfo,
  isServing,
  type RoutesAnswer,
  type ServiceInfo,
  type ServicesAnswer,
  urlHost,
} from '@hydra-gateway/protocol'
import type { RouteDemand, RouteDemands } from '../identity/port.ts'
import type { Clock } from '../observe/clock.ts'
import type { Health } from '../registry/health.ts'
import type { Entry, Member } from '../registry/member.ts'
import { memberState, serviceState } from '../registry/overview.ts'
import type { Registry } from '../registry/registry.ts'
import type { Live } from '../routing/live.ts'
import type { Access } from '../routing/route.ts'
import type { VitalsBook } from '../routing/vitals.ts'
import { drainNote, meantBy } from './drain.ts'
import { declaredFragments, listFragments } from './fragments.ts'

export interface AdminApiDeps {
  readonly registry: Pick<Registry, 'entries' | 'fragments' | 'silentForMs' | 'forget' | 'drain' | 'resume'>
  readonly live: Live
  readonly vitals: VitalsBook
  /** How services that serve do so. @default well */
  readonly health?: Pick<Health, 'stateOf' | 'reasonOf'> | undefined
  /** Whom a route is for, by identity. @default what its service says */
  readonly demandOf?: RouteDemands | undefined
  readonly clock: Clock
}

export interface AdminApi {
  services(): ServicesAnswer
  routes(): RoutesAnswer
  fragments(): FragmentsAnswer
  /**
   * Takes the instances a body means out of rotation; those that drain already go on.
   *
   * @throws HydraError HYDRA_BAD_REQUEST, HYDRA_NO_ROUTE, HYDRA_CONFLICT
   */
  drain(name: string, body?: unknown): DrainAnswer
  /** Puts them back, and throws the same. */
  resume(name: string, body?: unknown): DrainAnswer
  /** Forgets a service nobody serves; one that runs would only register again, a configured one never does. */
  forget(name: string): 'forgotten' | 'unknown' | 'serving' | 'configured'
}

const asDeclared = (access: Access): RouteDemand => ({ access, isByRule: false, exceptions: [] })

export function createAdminApi(deps: AdminApiDeps): AdminApi {
  const { registry, live, vitals, health, demandOf, clock } = deps
  const stateOf = (entry: Entry) => serviceState(entry, vitals, health?.stateOf)

  const instance = (member: Member): InstanceInfo => {
    const { inFlight, requests, failures, errors, resting } = vitals.of(member.id)
    const { host, port, protocol } = member.instance.address
    const silentMs = registry.silentForMs(member.id)
    const reason =
      drainNote(member, inFlight) ??
      (resting ? 'it refuses connections; tried again every second' : undefined) ??
      (member.state === 'recovering' ? 'its channel closed; expected back' : undefined)
    return {
      id: member.id,
      state: memberState(member, vitals),
      channel: member.channel,
      version: member.instance.version,
      weight: member.instance.weight,
      address: `${protocol}://${urlHost(host)}:${port}`,
      activeSince: member.registration.activeSince,
      ...(silentMs === undefined ? {} : { lastSeenMs: Math.round(silentMs) }),
      inFlight,
      requests,
      failures,
      errors,
      ...(reason === undefined ? {} : { reason }),
    }
  }
  const service = (entry: Entry): ServiceInfo => {
    const members = [...entry.members.values()]
    const state = stateOf(entry)
    const reason = state === 'degraded' ? health?.reasonOf(entry.name) : undefined
    return {
      name: entry.name,
      title: live.table.service(entry.name)?.title ?? entry.name,
      state,
      ...(reason === undefined ? {} : { reason }),
      channel: entry.channel,
      versions: [...new Set(members.map((member) => member.instance.version))],
      ...(entry.declared.group ? { group: entry.declared.group } : {}),
      fallback: Boolean(entry.declared.fallback),
      ...(entry.down
        ? { downSince: entry.down.since, downForMs: Math.round(clock.monotonic() - entry.down.at) }
        : {}),
      menuItems: entry.declared.menuItems,
      ...declaredFragments(members),
      instances: members.map(instance),
    }
  }

  const turn = (name: string, body: unknown, one: (member: Member) => void): DrainAnswer => {
    const meant = meantBy(body, name, registry.entries())
    meant.forEach(one)
    const [entry] = [...registry.entries()].filter((known) => known.name === name)
    return { service: name, state: stateOf(entry!), instances: meant.map(instance) }
  }

  return {
    services: () => ({
      revision: live.table.revision,
      services: [...registry.entries()].map(service).sort((a, b) => (a.name < b.name ? -1 : 1)),
    }),
    routes() {
      const { table } = live
      const states = new Map([...registry.entries()].map((entry) => [entry.name, stateOf(entry)]))
      const routes = [...table.routes()].map((route) => {
        const { pattern, kind, methods, host, service: name } = route
        const { access, isByRule, exceptions } = demandOf?.(route) ?? asDeclared(route)
        const { auth, roles, providers } = access
        return {
          pattern: pattern.text,
          kind,
          ...(methods ? { methods } : {}),
          ...(host ? { host } : {}),
          ...(auth ? { auth } : {}),
          ...(roles ? { roles } : {}),
          ...(providers ? { providers } : {}),
          ...(isByRule ? { rule: true } : {}),
          ...(exceptions.length > 0 ? { exceptions } : {}),
          service: name,
          state: states.get(name) ?? 'unknown',
        }
      })
      const refused = [...registry.entries()].flatMap(({ name, members }) => {
        const reasons = new Map(
          [...members.values()].flatMap((member) => member.refused.map((one) => [one.path, one.reason])),
        )
        return [...reasons].map(([path, reason]) => ({ service: name, path, reason }))
      })
      const warnings = [...registry.entries()].flatMap(({ name, members }) => {
        const said = new Set([...members.values()].flatMap((member) => member.warnings ?? []))
        return [...said].map((warning) => ({ service: name, warning }))
      })
      const said = warnings.length > 0 ? { warnings } : {}
      return { revision: table.revision, routes, conflicts: table.conflicts(), refused, ...said }
    },
    fragments: () => ({
      revision: live.table.revision,
      ...listFragments(registry, stateOf),
    }),
    drain: (name, body) => turn(name, body, ({ id }) => registry.drain(id, 'an operator drains it')),
    resume: (name, body) => turn(name, body, ({ id }) => registry.resume(id, 'an operator put it back')),
    forget(name) {
      const entry = [...registry.entries()].find((one) => one.name === name)
      if (!entry) return 'unknown'
      // One that drains is there as well, and would only register again.
      if (isServing(stateOf(entry)) || stateOf(entry) === 'draining') return 'serving'
      if ([...entry.members.values()].some(({ channel }) => channel === 'static')) return 'configured'
      registry.forget(name)
      return 'forgotten'
    },
  }
}
