/**
 * The address the gateway should reach this process at, when nobody names one.
 *
 * @module
 */
import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { isLoopback, plainAddress } from '@hydra-gateway/protocol'

/**
 * Finds it: a gateway on this machine uses loopback, another one the address this machine has towards it. Of several
 * nodes one may be elsewhere, and all of them use the same address.
 *
 * @param gateways URLs of the gateway's nodes.
 * @param bound Address the app listens at; one that names a single interface is the answer by itself.
 * @throws when no name of them can be resolved.
 */
export async function hostTowards(gateways: readonly string[], bound?: string): Promise<string> {
  if (bound && !isAny(bound)) return plainAddress(bound)
  const tried = await Promise.allSettled(gateways.map(hostTowardsOne))
  const hosts = tried.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const host = hosts.find((one) => !isLoopback(one)) ?? hosts[0]
  if (host === undefined) throw (tried[0] as PromiseRejectedResult).reason
  return host
}

async function hostTowardsOne(gateway: string): Promise<string> {
  const name = new URL(gateway).hostname.replace(/^\[|\]$/g, '')
  const { address, family } = isIP(name) ? { address: name, family: isIP(name) } : await lookup(name)
  // 127.0.0.1 even for ::1: a server bound to every address, or to all of IPv4, can be reached there.
  if (isLoopback(address)) return '127.0.0.1'
  return localAddress(address, family)
}

/** True for a host that stands for this machine alone. */
export function isThisMachine(host: string): boolean {
  return host === 'localhost' || isLoopback(host)
}

function isAny(address: string): boolean {
  return address === '::' || address === '0.0.0.0' || address === ''
}

/** Connecting a datagram socket picks a route and sends nothing, so it works while the gateway is away. */
function localAddress(address: string, family: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4')
    socket.once('error', (error) => {
      socket.close()
      reject(error)
    })
    socket.connect(9, address, () => {
      const local = socket.address().address
      socket.close()
      resolve(plainAddress(local))
    })
  })
}
