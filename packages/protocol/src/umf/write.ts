/**
 * Writes messages: with short names on every wire, with long ones for signatures. The order of the names is the
 * original's: signatures depend on one, and queued mail is found again by its exact text.
 *
 * @module
 */
import type { UmfMessage } from './message.ts'

/** Names on the wire, in their order. */
const SHORT = [
  ['to', 'to'],
  ['frm', 'from'],
  ['hdr', 'headers'],
  ['mid', 'mid'],
  ['rmid', 'rmid'],
  ['sig', 'signature'],
  ['tmo', 'timeout'],
  ['ts', 'timestamp'],
  ['typ', 'type'],
  ['ver', 'version'],
  ['via', 'via'],
  ['fwd', 'forward'],
  ['bdy', 'body'],
  ['aut', 'authorization'],
] as const satisfies readonly (readonly [short: string, long: keyof UmfMessage])[]

/** A message by its short names. */
export type ShortUmf = Readonly<Partial<Record<(typeof SHORT)[number][0], unknown>>>

/** The message by its short names, in their order; what is absent or empty is left out. */
export function toShort(message: UmfMessage): ShortUmf {
  const short: Record<string, unknown> = {}
  for (const [name, long] of SHORT) if (message[long]) short[name] = message[long]
  return short
}

/** The message by its long names, in their order. */
export function toLong(message: UmfMessage): Readonly<Partial<UmfMessage>> {
  const long: Record<string, unknown> = {}
  for (const [, name] of SHORT) if (message[name]) long[name] = message[name]
  return long
}

/** The message as it goes over any wire: JSON with short names. */
export function formatUmf(message: UmfMessage): string {
  // As `toShort` has it, in one go: what is undefined is left out of JSON.
  return JSON.stringify({
    to: message.to || undefined,
    frm: message.from || undefined,
    hdr: message.headers || undefined,
    mid: message.mid || undefined,
    rmid: message.rmid || undefined,
    sig: message.signature || undefined,
    tmo: message.timeout || undefined,
    ts: message.timestamp || undefined,
    typ: message.type || undefined,
    ver: message.version || undefined,
    via: message.via || undefined,
    fwd: message.forward || undefined,
    bdy: message.body || undefined,
    aut: message.authorization || undefined,
  } satisfies Record<keyof ShortUmf, unknown>)
}

/** As `formatUmf`, for a message without `authorization` whose body is JSON already, and may be long. */
export function formatUmfAround(message: Omit<UmfMessage, 'body' | 'authorization'>, body: string): string {
  return `${formatUmf({ ...message, body: {} }).slice(0, -'{}}'.length)}${body}}`
}

/**
 * One message for many: writes it as `formatUmf` does, each time to another address, while what stays the same is written
 * once. What the message says of `to` and `forward` is not looked at; addresses must have nothing in them that JSON escapes.
 */
export function umfWriter(message: UmfMessage): (to: string, forward?: string) => string {
  const { to: _, forward: _f, body, authorization, ...head } = message
  const middle = JSON.stringify(toShort(head as UmfMessage)).slice(1, -1)
  const tail = JSON.stringify(toShort({ body, authorization } as UmfMessage)).slice(1)
  return (to, forward) =>
    `{"to":"${to}",${middle},${forward === undefined ? '' : `"fwd":"${forward}",`}${tail}`
}

/** What a signature is made of: JSON with long names, without the signature; what is nested stays in its sender's order. */
export function signedText(message: UmfMessage): string {
  return JSON.stringify(toLong({ ...message, signature: '' }))
}
