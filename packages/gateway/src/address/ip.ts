/**
 * IP addresses in one spelling each, so that two of them are equal when their texts are.
 *
 * @module
 */
import { isIPv4, isIPv6, SocketAddress } from 'node:net'

export interface Ip {
  /** Lower case and compressed; the IPv4 address of an IPv4-mapped IPv6 one (`::ffff:10.0.0.1`). */
  readonly address: string
  readonly family: 'ipv4' | 'ipv6'
}

/**
 * Reads an IP address, or nothing when the text is anything else: `127.1`, `0x7f.1`, `2130706433` and `010.0.0.1`,
 * which some resolvers take for addresses, are none. A zone (`fe80::1%eth0`) is left out.
 */
export function parseIp(text: string): Ip | undefined {
  if (isIPv4(text)) return { address: text, family: 'ipv4' }
  if (!isIPv6(text)) return undefined
  const { address } = new SocketAddress({ address: text, family: 'ipv6' })
  if (!address.startsWith('::ffff:') || !address.includes('.')) return { address, family: 'ipv6' }
  return { address: address.slice('::ffff:'.length), family: 'ipv4' }
}
