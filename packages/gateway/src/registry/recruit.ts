/**
 * From a registration to a member: its identity, its routes, and how the data plane sees it.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import type { Registration } from '@hydra-gateway/protocol'
import type { Registrant } from '../channels/port.ts'
import type { Log } from '../observe/log.ts'
import type { Address } from '../routing/upstream.ts'
import { compileDeclaration, type Declaration, manifestHash } from './declaration.ts'
import { type FragmentFacts, fragmentFactsOf, fragmentHash } from './fragment-facts.ts'
import type { Member } from './member.ts'

/**
 * Makes a member of a checked registration. `host` is the address requests go to.
 *
 * @throws HydraError HYDRA_TOO_LARGE above `maxRoutes`
 */
export type Recruiter = (registration: Registration, registrant: Registrant, host: string) => Member

export interface RecruiterDeps {
  readonly settings: { readonly maxRoutes: number }
  /** A declaration that is known already: most instances of a service say the same. */
  readonly known: (service: string, hash: string) => Pick<Declaration, 'manifest' | 'refused'> | undefined
  /** The same of fragments. */
  readonly knownFragments: (service: string, hash: string) => FragmentFacts | undefined
  readonly node: string
  readonly log: Log
}

/** Warnings of one registration that are logged: a framework writes the same thing about every route. */
const MOST_LOGGED = 20

export function createRecruiter({ settings, known, knownFragments, node, log }: RecruiterDeps): Recruiter {
  const declarationOf = (registration: Registration, channel: Registrant['channel']) => {
    const { name } = registration
    const hash = manifestHash(registration, channel)
    const before = known(name, hash)
    if (before) return before
    const compiled = compileDeclaration(registration, channel, { ...settings, hash })
    const { warnings } = compiled
    if (warnings.length > 0) {
      const more = warnings.length - MOST_LOGGED
      log.warn(
        { service: name, warnings: warnings.slice(0, MOST_LOGGED), ...(more > 0 ? { more } : {}) },
        'routes translated with a loss',
      )
    }
    return compiled
  }

  const fragmentsOf = (registration: Registration): FragmentFacts => {
    const hash = fragmentHash(registration)
    const before = hash === '' ? undefined : knownFragments(registration.name, hash)
    return before ?? fragmentFactsOf(registration, hash)
  }

  return (registration, { channel, peer }, host) => {
    const { name: service, version, weight } = registration
    const { manifest, refused } = declarationOf(registration, channel)
    const fragments = fragmentsOf(registration)
    const { refs, uses } = fragments
    const own = channel === 'rsocket' ? registration.instanceId : undefined
    const id = own ?? addressId(registration, host)
    return {
      id,
      // Thousands of static names were turned into routes; nobody reads them again. Fragments stand beside it.
      registration: { ...registration, staticResources: [], refs: [], uses: [] },
      channel,
      peer,
      node,
      manifest,
      refused,
      fragments,
      state: 'available',
      instance: Object.freeze({
        id,
        service,
        manifest: manifest.hash,
        channel,
        address: addressOf(registration, host),
        version,
        weight,
        awakening: registration.awakening ?? 'NEWEST_VERSION_WINS',
        affinity: registration.affinity ?? channel === 'http',
        isOurs: registration.protocol === 1,
        asksFragments: registration.asksFragments === true || uses.length > 0,
        ...(refs ? { refs } : {}),
      }),
    }
  }
}

/** A certificate is for the name that was announced, not for the address it was pinned to. */
function addressOf({ webProtocol: protocol, host: announced, port }: Registration, host: string): Address {
  const isNamed = protocol === 'https' && isIP(announced) === 0
  return Object.freeze({ protocol, host, port, ...(isNamed ? { serverName: announced } : {}) })
}

/** An address is an identity within a name (`medusa.md` 1.1); the one that is reached, as several may say 127.0.1.1. */
function addressId({ name, webProtocol, port, socketPort }: Registration, host: string): string {
  const parts = JSON.stringify([name, webProtocol, host, port, socketPort])
  return createHash('sha256').update(parts).digest('hex').slice(0, 32)
}
