/**
 * The address the gateway should reach this process at, when nobody names one.
 *
 * @module
 */
import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'

/**
 * Finds it: a gateway on this machine uses loopback, another one the address this machine has towards it.
 *
 * @param gateway URL of the gateway.
 * @param bound Address the app listens at; one that names a single interface is the answer by itself.
 * @throws when the gateway's name can't be resolved.
 */
export async function hostTowards(gateway: string, bound?: string): Promise<string> {
  if (bound && !isAny(bound)) return plain(bound)
  const name = new URL(gateway).hostname.replace(/^\[|\]$/g, '')
  const { address, family } = isIP(name) ? { address: name, family: isIP(name) } : await lookup(name)
  // 127.0.0.1 even for ::1: a server bound to every address, or to all of IPv4, can be reached there.
  if (isLoopback(address)) return '127.0.0.1'
  return localAddress(address, family)
}

/** True for an address that stands for this machine alone. */
export function isLoopback(address: string): boolean {
  const bare = plain(address)
  return bare === '::1' || bare === 'localhost' || (isIP(bare) === 4 && bare.startsWith('127.'))
}

function isAny(address: string): boolean {
  return address === '::' || address === '0.0.0.0' || address === ''
}

function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '')
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
      resolve(plain(local))
    })
  })
}
