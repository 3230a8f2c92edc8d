/**
 * From a registration to a member: its identity, its routes, and how the data plane sees it.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import type { Registration } from '@hydra-gateway/protocol'
import type { Registrant } from '../channels/port.ts'
import { NO_IDENTITY } from '../identity/no-identity.ts'
import type { IdentityFacts } from '../identity/port.ts'
import type { Log } from '../observe/log.ts'
import { cookiePrefixOf } from '../proxy/own-cookies.ts'
import { FOR_EVERYBODY } from '../routing/access.ts'
import type { Manifest } from '../routing/route.ts'
import type { Address } from '../routing/upstream.ts'
import { compileDeclaration, type Declaration, manifestHash } from './declaration.ts'
import { type FragmentFacts, fragmentFactsOf, fragmentHash } from './fragment-facts.ts'
import type { Member } from './member.ts'
import { unknownProviders } from './unknown-providers.ts'

/**
 * Makes a member of a checked registration. `host` is the address requests go to; `keyId` the key another node answered
 * it with.
 *
 * @throws HydraError HYDRA_TOO_LARGE above `maxRoutes`, HYDRA_BAD_REGISTRATION when what it says for all contradicts itself
 */
export type Recruiter = (
  registration: Registration,
  registrant: Registrant,
  host: string,
  keyId?: string,
) => Member

export interface RecruiterDeps {
  readonly settings: { readonly maxRoutes: number; readonly hasRouterApi?: boolean | undefined }
  /** A declaration that is known already: most instances of a service say the same. */
  readonly known: (service: string, hash: string) => Pick<Declaration, 'manifest' | 'refused'> | undefined
  /** The same of fragments. */
  readonly knownFragments: (service: string, hash: string) => FragmentFacts | undefined
  readonly node: string
  /** @default nobody can sign in */
  readonly identity?: IdentityFacts | undefined
  readonly log: Log
}

/** Warnings of one registration that are logged: a framework writes the same thing about every route. */
const MOST_LOGGED = 20

export function createRecruiter(deps: RecruiterDeps): Recruiter {
  const { settings, known, knownFragments, node, identity = NO_IDENTITY, log } = deps
  const declarationOf = (registration: Registration, channel: Registrant['channel']) => {
    const { name } = registration
    const hash = manifestHash(registration, channel)
    const before = known(name, hash)
    if (before) return before
    const compiled = compileDeclaration(registration, channel, { ...settings, hasLogin: identity.isOn, hash })
    const { warnings, manifest } = compiled
    if (!identity.isOn && manifest.routes.some(({ auth }) => auth === 'required'))
      log.warn(
        { service: name },
        'some of its routes ask for a sign-in, and nobody can sign in here: they are closed',
      )
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

  const warningsOf = (service: string, { routes }: Manifest, { refs, access }: FragmentFacts): string[] => {
    const { providers } = identity
    const said =
      providers && unknownProviders(service, [...routes, ...(refs?.values() ?? []), access], providers)
    return said === undefined ? [] : [said]
  }

  return (registration, { channel, peer, notes = [] }, host, keyId) => {
    const { name: service, version, weight } = registration
    const isOurs = registration.protocol === 1
    const { manifest, refused } = declarationOf(registration, channel)
    const fragments = fragmentsOf(registration)
    const { refs, uses, access } = fragments
    // Medusa's applications take one key, the one they are answered with; all others ask for what they don't know.
    const holds = channel === 'http' && !isOurs ? (keyId ?? identity.keyId()) : undefined
    const own = channel === 'rsocket' || channel === 'flywheel' ? registration.instanceId : undefined
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
      warnings: [...notes, ...warningsOf(service, manifest, fragments)],
      fragments,
      publicKey: identity.publicKey(),
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
        isOurs,
        login: registration.login ?? (channel === 'static' ? 'none' : 'cookie'),
        ...(holds === undefined ? {} : { keyId: holds }),
        ...(registration.cookies === 'own' ? { cookiePrefix: cookiePrefixOf(service) } : {}),
        ...(registration.messages ? { takesMessages: true } : {}),
        asksFragments: registration.asksFragments === true || uses.length > 0,
        ...(refs ? { refs } : {}),
        ...(access === FOR_EVERYBODY ? {} : { access }),
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
