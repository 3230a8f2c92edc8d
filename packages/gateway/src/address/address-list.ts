/**
 * Lists of addresses, as operators write them: single addresses, CIDR ranges, and words for well-known ones.
 *
 * @module
 */
import { BlockList } from 'node:net'
import { parseIp } from './ip.ts'

export interface AddressList {
  /** Whether an IP address is in the list; `::ffff:10.0.0.1` is 10.0.0.1. False for what is no address. */
  has(address: string): boolean
}

/** Words that may stand for ranges. */
const WORDS: ReadonlyMap<string, readonly string[]> = new Map([
  ['loopback', ['127.0.0.0/8', '::1']],
  ['private', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']],
])

/**
 * Compiles a list. Entries are `10.0.0.0/8`, `192.168.1.7`, `fd00::/8`, `loopback` or `private`.
 * @throws Error that names every entry that is none of these.
 */
export function compileAddressList(entries: readonly string[]): AddressList {
  // A list of its own for each family: in a shared one, ::/0 would contain every IPv4 address as well.
  const ranges = { ipv4: new BlockList(), ipv6: new BlockList() }
  const bad: string[] = []
  for (const entry of entries) {
    for (const range of WORDS.get(entry.trim().toLowerCase()) ?? [entry]) {
      const subnet = parseRange(range.trim())
      if (!subnet) bad.push(entry)
      else ranges[subnet.family].addSubnet(subnet.address, subnet.bits, subnet.family)
    }
  }
  if (bad.length > 0) {
    const listed = bad.map((entry) => JSON.stringify(entry)).join(', ')
    throw new Error(
      `not an address or range: ${listed}. Write 10.0.0.0/8, 192.168.1.7, fd00::/8, loopback or private`,
    )
  }
  return {
    has(address) {
      const ip = parseIp(address)
      return ip !== undefined && ranges[ip.family].check(ip.address, ip.family)
    },
  }
}

function parseRange(text: string) {
  const [, host = '', prefix] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const ip = parseIp(host)
  if (!ip) return undefined
  const isMapped = ip.family === 'ipv4' && host.includes(':')
  const most = ip.family === 'ipv4' ? 32 : 128
  // ::ffff:10.0.0.0/104 is 10.0.0.0/8.
  const bits = prefix === undefined ? most : Number(prefix) - (isMapped ? 96 : 0)
  return bits >= 0 && bits <= most ? { ...ip, bits } : undefined
}
