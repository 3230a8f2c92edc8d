/**
 * The answer to a registration, over any channel (`medusa.md` 1.1).
 *
 * @module
 */
import type { Registration, RegistrationResponse } from '@hydra-gateway/protocol'
import type { IdentityFacts } from '../identity/port.ts'
import type { Registered, Registrar } from './port.ts'
import type { ToldOverviews } from './told-overview.ts'

type ActiveService = RegistrationResponse['services'][number]

/** Medusa's client decodes at most 256 KiB, and registers again for ever when there is more. */
const MOST_BYTES = { services: 150_000, refused: 40_000 }
/** Reasons listed in one answer; the log and the admin API have them all. */
const MOST_REFUSED = 100

/** Fields of Medusa's bean beside its static files. */
const BEAN = [
  'webProtocol',
  'host',
  'port',
  'socketPort',
  'name',
  'version',
  'activeSince',
  'awakening',
  'endpoints',
  'sockets',
  'menuItems',
] as const satisfies readonly (keyof Registration)[]

type Bean = Pick<Registration, (typeof BEAN)[number] | 'staticResources'>

/** A registration as Medusa's bean, without static files: with them the answer grows past what it decodes. */
export function toBean(registration: Registration): Bean {
  return {
    ...Object.fromEntries(BEAN.map((field) => [field, registration[field]])),
    staticResources: [],
  } as unknown as Bean
}

export interface RegistrationAnswerDeps {
  readonly registrar: Pick<Registrar, 'active' | 'overview'>
  readonly identity: Pick<IdentityFacts, 'roleMappings'>
  readonly told: Pick<ToldOverviews, 'hashOf'>
}

/** Builds the answer. What doesn't fit into 190 000 bytes is left out, from the end. */
export function registrationAnswer(
  { registrar, identity, told }: RegistrationAnswerDeps,
  registered: Registered,
  { withServices = true }: { readonly withServices?: boolean } = {},
): RegistrationResponse {
  const { publicKey, service, warnings = [] } = registered
  const refused = registered.refused
    .slice(0, MOST_REFUSED)
    .map(({ path, reason }) => ({ path: path.slice(0, 500), reason }))
  return {
    publicKey,
    services: withServices ? fitting(servicesOf(registrar, service), MOST_BYTES.services) : [],
    roleMappings: { ...identity.roleMappings(service) },
    hash: told.hashOf(registrar.overview(), service),
    refused: fitting(refused, MOST_BYTES.refused),
    ...(warnings.length > 0 ? { warnings: [...warnings] } : {}),
  }
}

/** Active services, the caller's own first: it is in the answer whatever else has room. */
function* servicesOf(registrar: Pick<Registrar, 'active'>, caller: string): Generator<ActiveService> {
  const active = registrar.active()
  for (const isCaller of [true, false]) {
    for (const { serviceName, registrations } of active) {
      if ((serviceName === caller) === isCaller)
        yield { serviceName, activeServices: registrations.map(toBean) }
    }
  }
}

/** As many as have room. */
function fitting<Value>(values: Iterable<Value>, mostBytes: number): Value[] {
  const kept: Value[] = []
  let bytes = 0
  for (const value of values) {
    bytes += Buffer.byteLength(JSON.stringify(value))
    if (bytes > mostBytes) break
    kept.push(value)
  }
  return kept
}
