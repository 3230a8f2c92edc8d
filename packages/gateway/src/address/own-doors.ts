/**
 * Where this gateway and the others of its cluster listen: an instance there would have requests go round until their time
 * is over.
 *
 * Each node says of itself what it knows. How it is reached through a proxy, a translated port or a name of its own, nobody
 * here knows: what is registered so is noticed by the requests that come round (`proxy/passes.ts`).
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { hostname, networkInterfaces } from 'node:os'
import type { NodeDoors } from '../store/nodes/port.ts'
import { compileAddressList } from './address-list.ts'
import { parseIp } from './ip.ts'

export interface OwnDoors {
  /** Whether what is sent to an IP address and a port comes back here. */
  has(address: string, port: number): boolean
  /** The same for another node, by what it says of itself. */
  areAt(doors: NodeDoors, address: string, port: number): boolean
  /** What other nodes are told. */
  said(): NodeDoors
}

const EVERY_ADDRESS: readonly (string | undefined)[] = [undefined, '', '0.0.0.0', '::']
const LOOPBACK = compileAddressList(['loopback'])

export function createOwnDoors({
  host,
  ports,
  localAddresses = systemAddresses,
  hostName = hostname(),
}: {
  /** As it is configured: an IP address or a name; absent for all of this machine. */
  readonly host: string | undefined
  /** Those that are open now. */
  readonly ports: () => readonly (number | undefined)[]
  /** @default those of the interfaces of this machine */
  readonly localAddresses?: () => readonly string[]
  /** @default that of this machine */
  readonly hostName?: string
}): OwnDoors {
  const bound = EVERY_ADDRESS.includes(host) ? 'all' : (parseIp(host!)?.address ?? 'loopback')
  const outside = (): readonly string[] =>
    [...new Set(localAddresses())].filter((address) => !LOOPBACK.has(address)).sort()
  const said = (): NodeDoors => {
    const addresses = outside()
    return {
      machine: machineOf(hostName, addresses),
      bound,
      addresses: bound === 'all' ? addresses : [],
      ports: ports().filter((port) => port !== undefined),
    }
  }
  return {
    said,
    has: (address, port) => ports().includes(port) && isBoundAt(bound, outside(), address),
    areAt(doors, address, port) {
      if (!doors.ports.includes(port)) return false
      const here = outside()
      // Loopback, and addresses many machines have, such as those of bridges, are this machine's when we speak of them.
      const isHere = LOOPBACK.has(address) || here.includes(address)
      if (isHere && doors.machine !== machineOf(hostName, here)) return false
      return isBoundAt(doors.bound, doors.addresses, address)
    },
  }
}

function isBoundAt(bound: string, addresses: readonly string[], address: string): boolean {
  if (bound === 'all') return LOOPBACK.has(address) || addresses.includes(address)
  return bound === 'loopback' ? LOOPBACK.has(address) : bound === address
}

/** The same for processes that have one loopback interface, as far as can be told: two containers differ in both. */
function machineOf(hostName: string, addresses: readonly string[]): string {
  return createHash('sha256')
    .update([hostName, ...addresses].join(' '))
    .digest('base64url')
    .slice(0, 16)
}

function systemAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address))
}
