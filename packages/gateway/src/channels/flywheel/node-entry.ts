/**
 * Entries of `hydra:service:nodes`: what an instance says of itself. Anybody may have written them.
 *
 * @module
 */
import { isJsonTooDeep, serviceNameProblem } from '@hydra-gateway/protocol'
import { ROUTER_SERVICE } from '@hydra-gateway/protocol/umf'
import type { NodeEntry } from './port.ts'
import { INSTANCE_ID } from './words.ts'

/** An entry that can be used. */
export interface SeenEntry {
  readonly entry: NodeEntry
  readonly id: string
  readonly service: string
  readonly host: string
  readonly port: number
  readonly version: string
}

/** Reads an entry for what it says, or says by a constant word why it can't be used. */
export function readEntry(id: string, text: string): SeenEntry | string {
  const entry = readJson(text)
  if (entry === undefined) return 'entry'
  const { serviceName: service, instanceID, ip, port, version } = entry
  if (instanceID !== id) return 'id-mismatch'
  if (!INSTANCE_ID.test(id)) return 'id'
  if (serviceProblem(service)) return 'name'
  if (typeof ip !== 'string' || ip === '' || ip.length > 255) return 'address'
  const number = portOf(port)
  if (number === undefined) return 'port'
  return {
    entry,
    id,
    service: service as string,
    host: ip,
    port: number,
    version: ['string', 'number'].includes(typeof version) ? String(version).slice(0, 64) : 'unspecified',
  }
}

/** Any entry, for lists. */
export function readListed(id: string, text: string): NodeEntry | undefined {
  const entry = readJson(text)
  const isOne = entry && entry.instanceID === id && typeof entry.serviceName === 'string'
  return isOne ? entry : undefined
}

/** Why a name can't be that of a service in Redis; undefined when it can. */
export function serviceProblem(name: unknown): string | undefined {
  if (typeof name !== 'string') return 'it is no text'
  if (name === ROUTER_SERVICE) return undefined
  return /\s/.test(name) ? 'a name may not contain spaces' : serviceNameProblem(name)
}

function readJson(text: string): NodeEntry | undefined {
  const value = readObject(text)
  return Array.isArray(value) ? undefined : (value as NodeEntry | undefined)
}

/** An object or a list; undefined for all else, and for what is nested too deep to be written again: lists hold it. */
export function readObject(text: string): Readonly<Record<string, unknown>> | undefined {
  if (isJsonTooDeep(text)) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** Services write a text when it is configured, and a number when they chose it. */
function portOf(port: unknown): number | undefined {
  const number = typeof port === 'string' && /^\d{1,5}$/.test(port) ? Number(port) : port
  return typeof number === 'number' && Number.isInteger(number) && number >= 1 && number <= 65_535
    ? number
    : undefined
}
