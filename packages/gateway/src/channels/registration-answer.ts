/**
 * The answer to a registration, over any channel (`medusa.md` 1.1).
 *
 * @module
 */
import type { Registration, RegistrationResponse } from '@hydra-gateway/protocol'
import type { Registered, Registrar } from './port.ts'

/** Medusa's client decodes at most 256 KiB, and registers again for ever when there is more. */
const MOST_BYTES = 190_000
/** Reasons listed in one answer; the log and the admin API have them all. */
const MOST_REFUSED = 100

/** The twelve fields of Medusa's bean, static files left out: with them the answer grows past what it decodes. */
export function toBean(registration: Registration) {
  const {
    webProtocol,
    host,
    port,
    socketPort,
    name,
    version,
    activeSince,
    awakening,
    endpoints,
    sockets,
    menuItems,
  } = registration
  return {
    webProtocol,
    host,
    port,
    socketPort,
    name,
    version,
    activeSince,
    awakening,
    endpoints,
    sockets,
    staticResources: [],
    menuItems,
  }
}

/** Builds the answer. Active services that don't fit into 190 000 bytes are left out, from the end. */
export function registrationAnswer(
  registrar: Pick<Registrar, 'active' | 'overview'>,
  registered: Registered,
): RegistrationResponse {
  const services: RegistrationResponse['services'] = []
  let bytes = 0
  for (const { serviceName, registrations } of registrar.active()) {
    const service = { serviceName, activeServices: registrations.map(toBean) }
    bytes += Buffer.byteLength(JSON.stringify(service))
    if (bytes > MOST_BYTES) break
    services.push(service)
  }
  const { publicKey, roleMappings, hash } = registrar.overview()
  const refused = registered.refused
    .slice(0, MOST_REFUSED)
    .map(({ path, reason }) => ({ path: path.slice(0, 500), reason }))
  return { publicKey, services, roleMappings, hash, refused }
}
