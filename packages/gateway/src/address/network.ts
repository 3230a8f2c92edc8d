/**
 * The network a visitor comes from, for limits per visitor.
 *
 * @module
 */
import ipaddr from 'ipaddr.js'

/** An IPv4 address; of IPv6 the /64, which is what one household or machine has at least. */
export function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address
  const parsed = ipaddr.process(address)
  if (parsed.kind() === 'ipv4') return parsed.toString()
  return Buffer.from(parsed.toByteArray().slice(0, 8)).toString('hex')
}
