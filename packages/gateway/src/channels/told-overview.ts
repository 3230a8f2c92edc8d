/**
 * The overview as one service is told: the same for all, but for how roles are called there.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import type { Overview } from '@hydra-gateway/protocol'
import type { IdentityFacts } from '../identity/port.ts'
import { type Standing, writeDelta } from './overview-delta.ts'
import { createOverviewParts, type WrittenParts } from './overview-parts.ts'

export interface ToldOverviews {
  /** Changes with the overview and with the service's role mappings: who has it knows both. */
  hashOf(overview: Overview, service: string | undefined): string
  /** As bytes, made once for all services with the same mappings. */
  bytesOf(overview: Overview, service: string | undefined): Uint8Array
  /** Its parts; the same object for all services with the same mappings. */
  partsOf(overview: Overview, service: string | undefined): WrittenParts
  /** What leads there from `from`, made once for all that stand there with the same mappings. */
  deltaOf(from: Standing | undefined, overview: Overview, service: string | undefined): Uint8Array
  /** The standing of others that have the same parts, where there are some: so that it is kept once. */
  shared(standing: Standing): Standing
}

type Mappings = Readonly<Record<string, string>>

/** Deltas of one overview that are kept, and standings others may have as well. */
const MOST_KEPT = 16

const NO_MAPPINGS: Mappings = Object.freeze({})

export function createToldOverviews({ roleMappings }: Pick<IdentityFacts, 'roleMappings'>): ToldOverviews {
  const marks = new WeakMap<Mappings, string>()
  const write = createOverviewParts()
  let last: Overview | undefined
  const encoded = new Map<string, Uint8Array>()
  const parts = new Map<string, WrittenParts>()
  const deltas = new Map<string, Uint8Array>()
  const standings = new Map<string, Standing>()

  const mappingsOf = (service: string | undefined): Mappings =>
    service === undefined ? NO_MAPPINGS : roleMappings(service)
  /** What tells mappings apart; empty where there are none. */
  const markOf = (mappings: Mappings): string => {
    let mark = marks.get(mappings)
    if (mark === undefined) {
      const said = Object.entries(mappings).sort(([a], [b]) => (a < b ? -1 : 1))
      mark = said.length === 0 ? '' : digest(JSON.stringify(said))
      marks.set(mappings, mark)
    }
    return mark
  }
  const hashFor = ({ hash }: Overview, mark: string): string => (mark === '' ? hash : `${hash}.${mark}`)

  const toldTo = (overview: Overview, mappings: Mappings): Overview => ({
    ...overview,
    hash: hashFor(overview, markOf(mappings)),
    roleMappings: { ...mappings },
  })
  /** Only of the latest overview is anything kept. */
  const turnTo = (overview: Overview): void => {
    if (overview === last) return
    last = overview
    encoded.clear()
    parts.clear()
    deltas.clear()
  }
  const partsOf = (overview: Overview, service: string | undefined): WrittenParts => {
    turnTo(overview)
    const mappings = mappingsOf(service)
    return kept(parts, markOf(mappings), () => write(overview, toldTo(overview, mappings)))
  }

  return {
    hashOf: (overview, service) => hashFor(overview, markOf(mappingsOf(service))),
    bytesOf(overview, service) {
      turnTo(overview)
      const mappings = mappingsOf(service)
      return kept(encoded, markOf(mappings), () => Buffer.from(JSON.stringify(toldTo(overview, mappings))))
    },
    partsOf,
    deltaOf(from, overview, service) {
      const to = partsOf(overview, service)
      const key = JSON.stringify([to.hash, from?.hash, from?.check])
      return kept(deltas, key, () => Buffer.from(writeDelta(from, to)), MOST_KEPT)
    },
    shared: (standing) =>
      kept(standings, JSON.stringify([standing.hash, standing.check]), () => standing, MOST_KEPT),
  }
}

/** What is kept by that key, or made now; beyond `most`, what was made first is not kept any longer. */
function kept<Value>(
  values: Map<string, Value>,
  key: string,
  make: () => Value,
  most = Number.POSITIVE_INFINITY,
): Value {
  let value = values.get(key)
  if (value === undefined) {
    value = make()
    values.set(key, value)
    for (const [first] of values) {
      if (values.size <= most) break
      values.delete(first)
    }
  }
  return value
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
