/**
 * Admission: who may register services, and which addresses may be registered.
 *
 * Whatever gets through here is connected to by the gateway, so a name is resolved once, checked, and pinned to
 * what was checked. Addresses of operator config do not come this way.
 *
 * @module
 */
import { lookup as dnsLookup } from 'node:dns/promises'
import { type Clock, systemClock } from '../observe/clock.ts'
import { type AddressList, compileAddressList } from './address-list.ts'
import { parseIp } from './ip.ts'
import { NEVER_ASKED } from './never-asked.ts'
import type { OwnDoors } from './own-doors.ts'

export interface Admission {
  /** Whether a TCP peer may register services. */
  mayRegister(peer: string): boolean
  /**
   * The IP address requests for an announced host go to, or why there is none. `peer` is the TCP peer that
   * announced it; a peer elsewhere that announces its own loopback means itself (`medusa.md` 1.1). `port` is where it
   * listens: there is no address where this gateway or another one of its cluster does.
   */
  resolve(host: string, peer: string | undefined, port?: number): Promise<Resolved>
}

/** `refused` is a sentence for the one who registered. */
export type Resolved = { readonly address: string } | { readonly refused: string }

export interface AdmissionDeps {
  /** Addresses and ranges, as `compileAddressList` takes them. */
  readonly registrationFrom: readonly string[]
  readonly upstreamsAllow: readonly string[]
  /** @default nothing is known to be our own */
  readonly own?: Pick<OwnDoors, 'has'> | undefined
  /** Name of the other node of the cluster that listens at an address and a port. @default there is none */
  readonly otherAt?: ((address: string, port: number) => string | undefined) | undefined
  /** Every address of a name; rejects when there is none. @default the system's resolver */
  readonly lookup?: (name: string) => Promise<readonly string[]>
  /** How long a name may take to resolve, ms. @default 1000 */
  readonly timeoutMs?: number
  readonly clock?: Clock
}

const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/i
/** What resolvers may read as an address: a last label of digits, or of 0x and hex digits. */
const NUMERIC = /^(\d+|0x[0-9a-f]*)$/i

export function createAdmission({
  registrationFrom,
  upstreamsAllow,
  own,
  otherAt,
  lookup = systemLookup,
  timeoutMs = 1000,
  clock = systemClock,
}: AdmissionDeps): Admission {
  const from = compileAddressList(registrationFrom)
  const allowed = compileAddressList(upstreamsAllow)
  const loopback: AddressList = compileAddressList(['loopback'])

  const check = (address: string, peer: string | undefined, port: number | undefined): Resolved => {
    const isElsewhere = peer !== undefined && !loopback.has(peer)
    const meant = isElsewhere && loopback.has(address) ? parseIp(peer)?.address : address
    if (meant === undefined) return { refused: 'the address of the peer could not be read' }
    if (NEVER_ASKED.has(meant)) return { refused: `${meant} is an address no service may have` }
    if (!allowed.has(meant)) return { refused: `${meant} is not in upstreams.allow` }
    if (port !== undefined && own?.has(meant, port))
      return { refused: `${meant} at port ${port} is this gateway itself, not a service` }
    const other = port === undefined ? undefined : otherAt?.(meant, port)
    if (other !== undefined)
      return {
        refused: `${meant} at port ${port} is ${other}, another gateway of this cluster, not a service`,
      }
    return { address: meant }
  }

  const addressesOf = (name: string): Promise<readonly string[] | 'timeout' | 'unknown'> =>
    new Promise((resolve) => {
      const cancel = clock.after(timeoutMs, () => resolve('timeout'))
      lookup(name)
        .then(
          (addresses) => resolve(addresses.length > 0 ? addresses : 'unknown'),
          () => resolve('unknown'),
        )
        .finally(cancel)
    })

  return {
    mayRegister: (peer) => from.has(peer),
    async resolve(host, peer, port) {
      const literal = parseLiteral(host)
      if (literal) return check(literal, peer, port)
      const name = parseName(host)
      if (name === undefined) return { refused: `${shown(host)} is neither an IP address nor a host name` }
      const addresses = await addressesOf(name)
      if (addresses === 'timeout') return { refused: `${name} was not resolved within ${timeoutMs} ms` }
      if (addresses === 'unknown') return { refused: `${name} has no address` }
      // All of them: a name with one good and one bad address is how a check is slipped past.
      const checked = addresses.map((address) => check(parseIp(address)?.address ?? address, peer, port))
      return checked.find((result) => 'refused' in result) ?? checked[0]!
    },
  }
}

/** `10.0.0.1`, `fd00::1` and `[fd00::1]`. An address with a zone means something else on every machine. */
function parseLiteral(host: string): string | undefined {
  if (host.includes('%')) return undefined
  const [, bracketed] = /^\[(.+:.*)\]$/.exec(host) ?? []
  return parseIp(bracketed ?? host)?.address
}

/** A host name in lower case without the dot that may end it, unless a resolver could take it for a number. */
function parseName(host: string): string | undefined {
  const name = host.toLowerCase().replace(/\.$/, '')
  const labels = name.split('.')
  if (name.length > 253 || !labels.every((label) => LABEL.test(label))) return undefined
  return NUMERIC.test(labels.at(-1)!) ? undefined : name
}

const shown = (host: string): string => JSON.stringify(host.length > 80 ? `${host.slice(0, 80)}…` : host)

async function systemLookup(name: string): Promise<readonly string[]> {
  return (await dnsLookup(name, { all: true })).map(({ address }) => address)
}
