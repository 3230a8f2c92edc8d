/**
 * Which of several gateways a service has its line to: one of them, for as long as it is there, then the next.
 *
 * They stand in an order of their own in each process, so that the services of a site are spread over the nodes. A name
 * may stand for several nodes as well: of its addresses, those that refused come last.
 *
 * @module
 */
import type { LookupAddress } from 'node:dns'
import type { LookupFunction } from 'node:net'

export interface Gateways {
  /** As they were given. */
  readonly all: readonly string[]
  /** The one to try, or the one in use. */
  current(): string
  /** For people: all there are, the current one first. */
  described(): string
  /** Resolves names for connections. */
  readonly lookup: LookupFunction
  /** The current one is in use. */
  reached(): void
  /**
   * The current one refused, could not be reached, or is lost: on to another. True when it is one to try at once: each of
   * them is, one time after another was lost. `address` is where it was, when it was heard at all.
   */
  next(address?: string): boolean
}

export interface GatewaysDeps {
  readonly urls: readonly string[]
  /** From 0 to 1. */
  readonly random: () => number
  /** All addresses of a name. */
  readonly resolve: (name: string) => Promise<readonly LookupAddress[]>
}

/** Where all of them are away for longer, names are resolved to the same addresses a few thousand times a day. */
const MOST_REFUSING = 64

export function createGateways({ urls, random, resolve }: GatewaysDeps): Gateways {
  const order = shuffled(urls, random)
  let at = 0
  /** Those that may be tried at once. */
  let fresh = order.length - 1
  /** Addresses that refused since the last that did not. */
  const refusing = new Set<string>()
  /** How many a name of ours has at most. */
  let addresses = 1

  const ordered = async (name: string): Promise<LookupAddress[]> => {
    const found = await resolve(name)
    addresses = Math.max(addresses, found.length)
    // The system knows which family is better here; that stays as it is.
    const families = [...new Set(found.map(({ family }) => family))]
    const mixed = families.flatMap((family) =>
      shuffled(
        found.filter((one) => one.family === family),
        random,
      ),
    )
    return mixed.sort((a, b) => Number(refusing.has(a.address)) - Number(refusing.has(b.address)))
  }

  return {
    all: urls,
    current: () => order[at]!,
    described: () => [...order.slice(at), ...order.slice(0, at)].join(', '),
    lookup(name, { all }, done) {
      ordered(name).then(
        (found) => {
          const [first] = found
          if (all) done(null, found)
          else done(null, first?.address ?? '', first?.family)
        },
        (error: NodeJS.ErrnoException) => done(error, ''),
      )
    },
    reached() {
      refusing.clear()
      fresh = order.length - 1
    },
    next(address) {
      const isNews = address !== undefined && !refusing.has(address)
      if (refusing.size >= MOST_REFUSING) refusing.clear()
      if (address !== undefined) refusing.add(address)
      // Another node behind the same name.
      const isSibling = isNews && order.length === 1 && refusing.size < addresses
      at = (at + 1) % order.length
      if (fresh <= 0) return isSibling
      fresh--
      return true
    },
  }
}

/** Fisher and Yates. */
function shuffled<Value>(values: readonly Value[], random: () => number): Value[] {
  const mixed = [...values]
  for (let last = mixed.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    ;[mixed[last], mixed[other]] = [mixed[other]!, mixed[last]!]
  }
  return mixed
}
