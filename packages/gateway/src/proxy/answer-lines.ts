/**
 * The header lines of an answer on their way to the visitor: what belongs to the connection with the service stays
 * behind, all else goes on as it came. Pure; both protocols of visitors ask here.
 *
 * @module
 */
import { type Head, NOMINATES, type ResponseHead } from '../http1/head.ts'
import {
  CONNECTION,
  CONTENT_LENGTH,
  HTTP2_SETTINGS,
  HYDRA,
  HYDRA_COMPOSE,
  KEEP_ALIVE,
  PROXY_AUTHORIZATION,
  PROXY_CONNECTION,
  REFERRER_POLICY,
  TE,
  TRAILER,
  TRANSFER_ENCODING,
  UPGRADE,
  X_CONTENT_TYPE_OPTIONS,
  X_FRAME_OPTIONS,
  X_REQUEST_ID,
} from '../http1/names.ts'
import type { ChannelKind } from '../routing/upstream.ts'

/** Belong to one connection, whether `Connection` names them or not (RFC 9110, 7.6.1). */
export const HOP_BY_HOP: readonly number[] = [
  CONNECTION,
  HTTP2_SETTINGS,
  KEEP_ALIVE,
  PROXY_AUTHORIZATION,
  PROXY_CONNECTION,
  TE,
  TRAILER,
  TRANSFER_ENCODING,
  UPGRADE,
]

/** By id of the name: 1 for lines that never go on. */
const DROPPED = new Uint8Array(256)
// What begins with `Hydra-` is between services and us.
for (const id of [...HOP_BY_HOP, X_REQUEST_ID, HYDRA, HYDRA_COMPOSE]) DROPPED[id] = 1

/** Of what another process of this gateway answered. */
const DROPPED_OF_OURS = new Uint8Array(256)
for (const id of [...HOP_BY_HOP, X_REQUEST_ID]) DROPPED_OF_OURS[id] = 1

/** Would change what message this is, so that nobody may have them removed by naming them in `Connection`. */
const NEVER_NOMINATED: ReadonlySet<string> = new Set(['host', 'content-length', 'transfer-encoding'])

/** Lower-case names that `Connection` says end here; nothing for the usual values. */
export function nominatedBy(head: Head): ReadonlySet<string> | undefined {
  if ((head.connection & NOMINATES) === 0) return undefined
  const names = new Set<string>()
  for (const value of head.all('connection')) {
    for (const part of value.split(',')) {
      const token = part.trim().toLowerCase()
      if (token !== '' && !NEVER_NOMINATED.has(token)) names.add(token)
    }
  }
  return names
}

/** Lower-case names of lines that end here: those `Connection` says, and some others where `more` has them. */
export function leftOut(head: Head, more: ReadonlySet<string> | undefined): ReadonlySet<string> | undefined {
  const nominated = nominatedBy(head)
  if (more === undefined) return nominated
  return nominated ? new Set([...nominated, ...more]) : more
}

/**
 * Whether line `i` of an answer goes on. `nominated` is what `leftOut` says of its head; `isOurs`: this gateway
 * answered, in another process.
 */
export function isKept(
  head: ResponseHead,
  i: number,
  id: number,
  nominated: ReadonlySet<string> | undefined,
  isOurs = false,
): boolean {
  if ((isOurs ? DROPPED_OF_OURS : DROPPED)[id] === 1) return false
  // RFC 9110, 8.6: an interim answer and a 204 have no length to tell.
  if (id === CONTENT_LENGTH && (head.status === 204 || head.status < 200)) return false
  return nominated === undefined || !nominated.has(head.name(i).toLowerCase())
}

/** What a service's own answer gets when it says nothing itself, as Medusa apps had it from their old gateway. */
const MEDUSA_DEFAULTS = [
  [X_FRAME_OPTIONS, 'X-Frame-Options', 'SAMEORIGIN'],
  [REFERRER_POLICY, 'Referrer-Policy', 'same-origin'],
  [X_CONTENT_TYPE_OPTIONS, 'X-Content-Type-Options', 'nosniff'],
] as const

/** Lines the gateway adds to an answer of such an instance; `visit(name, value)`. */
export function eachDefaultLine(
  head: ResponseHead,
  channel: ChannelKind,
  visit: (name: string, value: string) => void,
): void {
  if (channel !== 'http') return
  for (const [id, name, value] of MEDUSA_DEFAULTS) if (head.find(id) < 0) visit(name, value)
}
