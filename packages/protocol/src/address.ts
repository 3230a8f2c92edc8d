/**
 * Addresses as text: their spellings in sockets and in URLs.
 *
 * @module
 */

/** Without the `::ffff:` of an IPv4 address that was seen on an IPv6 socket. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '')
}

const LOOPBACK_V4 = /^127(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/

/** True for an IP address that stands for this machine alone. Names are none, `localhost` neither. */
export function isLoopback(address: string): boolean {
  return address === '::1' || LOOPBACK_V4.test(plainAddress(address))
}

/** A host as it stands in a URL: IPv6 addresses get their brackets. */
export function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/** Host part of the URL under which this machine reaches a server bound to an address; absent is any. */
export function localUrlHost(bound: string | undefined): string {
  return bound === undefined || bound === '::' || bound === '0.0.0.0' ? 'localhost' : urlHost(bound)
}
