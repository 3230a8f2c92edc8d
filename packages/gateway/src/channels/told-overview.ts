/**
 * The overview as one service is told: the same for all, but for how roles are called there.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import type { Overview } from '@hydra-gateway/protocol'
import type { IdentityFacts } from '../identity/port.ts'

export interface ToldOverviews {
  /** Changes with the overview and with the service's role mappings: who has it knows both. */
  hashOf(overview: Overview, service: string | undefined): string
  /** As bytes, made once for all services with the same mappings. */
  bytesOf(overview: Overview, service: string | undefined): Uint8Array
}

type Mappings = Readonly<Record<string, string>>

const NO_MAPPINGS: Mappings = Object.freeze({})

export function createToldOverviews({ roleMappings }: Pick<IdentityFacts, 'roleMappings'>): ToldOverviews {
  const marks = new WeakMap<Mappings, string>()
  let last: Overview | undefined
  const encoded = new Map<string, Uint8Array>()

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

  return {
    hashOf: (overview, service) => hashFor(overview, markOf(mappingsOf(service))),
    bytesOf(overview, service) {
      if (overview !== last) encoded.clear()
      last = overview
      const mappings = mappingsOf(service)
      const mark = markOf(mappings)
      let bytes = encoded.get(mark)
      if (!bytes) {
        const told: Overview = { ...overview, hash: hashFor(overview, mark), roleMappings: { ...mappings } }
        bytes = Buffer.from(JSON.stringify(told))
        encoded.set(mark, bytes)
      }
      return bytes
    },
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
