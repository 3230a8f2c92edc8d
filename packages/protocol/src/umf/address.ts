/**
 * Addresses of messages:
 *
 * ```
 * address = [ instance [ "-" subid ] "@" ] service ":" [ "[" method "]" ] path
 * service = name | "http://" host [ ":" port ] | "https://" host [ ":" port ]
 * ```
 *
 * `orders:/`, `orders:[get]/v1/orders/7?full=1`, `2945p8eigxz@client:/`, `ROUTER-CLIENT@hydra-router:/`,
 * `https://shop.example:8443:[post]/v1/orders`.
 *
 * @module
 */
import { type UmfAddress, UmfError } from './message.ts'

/** Characters of one address. */
export const MAX_ADDRESS_LENGTH = 2048

/**
 * A URL's port is digits that another colon follows, so `http://h:9000:[get]/p` has one. No repetition stands inside
 * another and what follows one begins with a character it does not take: time is linear in the length.
 */
const ADDRESS =
  /^(?:([^:@]*)@)?(https?:\/\/(?:\[[0-9A-Fa-f:.]+\]|[^:[\]]+)(?::[0-9]{1,5}(?=:))?|(?!https?:\/\/)[^:]*):(?:\[([^\]]*)\])?(.*)$/s

/** A name, or a URL: instances and clients stand before an `@`. */
const SERVICE = /^[^@\s]+$/

const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$/

const CONTROL_CHARACTER = /[\0-\x1f\x7f]/

/**
 * Reads an address, in time linear in its length. Names are left as they are written: services' are lower-case.
 *
 * @throws UmfError with the sentence of the original, or one of ours where it took anything
 */
export function parseAddress(text: string): UmfAddress {
  if (text.length > MAX_ADDRESS_LENGTH)
    throw new UmfError(`route field is longer than ${MAX_ADDRESS_LENGTH} characters`)
  if (CONTROL_CHARACTER.test(text)) throw new UmfError('route field contains control characters')
  const found = ADDRESS.exec(text)
  if (!found) throw new UmfError('route field has invalid number of routable segments')
  const [, before = '', service, method, path] = found
  if (method === undefined ? path!.startsWith('[') : !METHOD.test(method))
    throw new UmfError('route field has ill-formed HTTP method verb in segment')
  if (!SERVICE.test(service!)) throw new UmfError('route field has no service, or one that is ill-formed')
  // Further dashes are lost, as in the original.
  const dash = before.indexOf('-')
  const instance = dash < 0 ? before : before.slice(0, dash)
  const subid = dash < 0 ? '' : before.slice(dash + 1).split('-', 1)[0]
  const address: { -readonly [Name in keyof UmfAddress]: UmfAddress[Name] } = {
    service: service!,
    path: path!,
  }
  if (instance) address.instance = instance
  if (subid) address.subid = subid
  if (method !== undefined) address.method = method.toLowerCase()
  return address
}

/** Text of an address: `parseAddress` makes the same address of it. */
export function formatAddress({ service, instance, subid, method, path }: UmfAddress): string {
  const before = subid ? `${instance ?? ''}-${subid}@` : instance ? `${instance}@` : ''
  return `${before}${service}:${method ? `[${method}]` : ''}${path}`
}
