/**
 * Slows down whoever tries passwords, without handing anybody the means to lock somebody else out.
 *
 * ```
 * account from an address    5 tries, then pauses of 1 s, 2 s, 4 s … 15 min
 * address (IPv6: its /64)    30 tries over all accounts, forgiven by one a minute, then growing pauses
 * account from anywhere      20 tries, forgiven by one a minute, then every address pauses before a try, at most 30 s
 * ```
 *
 * The third is a wait of each address by itself: others who try can't use up somebody's turn. A browser that signed in
 * with an account before carries a signed cookie, and is counted by that cookie alone.
 *
 * A try counts when it begins, so that many at once are many; one that succeeds is taken back. Counts are kept in this
 * process, bounded, the oldest are forgotten first.
 *
 * Nodes that share a store tell each other of tries over its bus, and each counts all of them: nobody gets new tries at
 * another node. Nothing waits for that. What is tried at several nodes within the milliseconds a message takes is known to
 * each a moment later; while the store is away, and to a node that has just begun, what others count is not known.
 *
 * @module
 */
import { createHash, randomBytes } from 'node:crypto'
import { networkOf } from '../address/network.ts'
import type { Clock } from '../observe/clock.ts'
import { createSigner, MAC_LENGTH } from '../proxy/signing.ts'
import { tellOthers } from '../store/bus/others.ts'
import type { Bus } from '../store/bus/port.ts'

interface Pauses {
  /** Tries without a pause. */
  readonly free: number
  /** First pause, ms; each further one is twice as long, up to `mostMs`. */
  readonly baseMs: number
  readonly mostMs: number
}

export interface ThrottleSettings extends Pauses {
  /** Longest pause because an account is tried from everywhere, ms. */
  readonly mostPerAccountMs: number
  /** Counts of each kind that are kept. @default 20000 */
  readonly kept?: number
}

export const THROTTLE_DEFAULTS: ThrottleSettings = {
  free: 5,
  baseMs: 1000,
  mostMs: 15 * 60_000,
  mostPerAccountMs: 30_000,
}

/** An address may stand for a house, an account for somebody whose password has just changed on all devices. */
const FREE_OF_ADDRESS = 6
const FREE_OF_ACCOUNT = 4

/** One of these is forgiven in that time. */
const FORGIVEN_EVERY_MS = 60_000
const KNOWN_FOR_MS = 180 * 24 * 3_600_000

export interface Try {
  /** User name as it was typed. */
  readonly account: string
  readonly address: string
  /** Value of the cookie of a browser that may be known. */
  readonly known: string | undefined
}

export interface Throttle {
  /** Counts a try. `waitMs` is there when it may not be made yet; then it was not counted. */
  begin(attempt: Try): { readonly waitMs?: number; readonly triesLeft: number }
  /** The browser signed in with this account before. */
  isKnown(attempt: Try): boolean
  /** It led in: nothing of it counts any more. */
  succeeded(attempt: Try): void
  /** It could not be judged. */
  takeBack(attempt: Try): void
  /** Value for the cookie of a browser that signed in with this account. */
  knownValue(account: string): string
  /** How long that cookie lasts. */
  readonly knownForMs: number
}

/** Under what a try is counted: an account at an address, or in a browser that is known; the rest for strangers. */
interface Keys {
  readonly pair: string
  readonly network?: string
  readonly name?: string
}

/** What nodes tell each other of a try. */
interface Told {
  readonly what: 'tried' | 'succeeded' | 'undone'
  readonly keys: Keys
}

const TOPIC = 'sign-in tries'

interface Count {
  tries: number
  /** Of the last change, by the clock that only grows. */
  at: number
  pauseUntil: number
}

export interface ThrottleDeps {
  readonly settings?: ThrottleSettings
  readonly privateKeys: readonly string[]
  /** Where other nodes hear of tries. @default there are none */
  readonly bus?: Pick<Bus, 'publish' | 'listen'> | undefined
  readonly clock: Pick<Clock, 'now' | 'monotonic'>
}

export function createThrottle({
  settings = THROTTLE_DEFAULTS,
  privateKeys,
  bus,
  clock,
}: ThrottleDeps): Throttle {
  const signer = createSigner(privateKeys, 'hydra-gateway known browser 1')
  const { free, baseMs, mostMs, mostPerAccountMs, kept = 20_000 } = settings
  const ofPair: Pauses = { free, baseMs, mostMs }
  const ofAddress: Pauses = { free: free * FREE_OF_ADDRESS, baseMs, mostMs }
  const ofAccount: Pauses = { free: free * FREE_OF_ACCOUNT, baseMs, mostMs: mostPerAccountMs }
  const pairs = createCounts(kept, mostMs, clock)
  const addresses = createCounts(kept, mostMs, clock)
  const accounts = createCounts(kept, mostMs, clock)

  const isKnown = (account: string, value: string): boolean => {
    const [signed, mac] = [value.slice(0, -MAC_LENGTH - 1), value.slice(-MAC_LENGTH)]
    const [, since] = /^([0-9a-z]{1,12})-[\w-]{16}$/.exec(signed) ?? []
    if (since === undefined || signer.signedBy(`${signed} ${account}`, mac) < 0) return false
    const age = clock.now() - Number.parseInt(since, 36)
    return age < KNOWN_FOR_MS && age > -60_000
  }
  /** Under what a try is counted. Names are hashed: they may be long, and a password may stand among them. */
  const keysOf = ({ account, address, known }: Try): Keys => {
    const name = createHash('sha256').update(account.normalize('NFC')).digest('base64url')
    const network = networkOf(address)
    return known !== undefined && isKnown(account.normalize('NFC'), known)
      ? { pair: `${name} ${known}` }
      : { pair: `${name} ${network}`, network, name }
  }

  /** A try that was made, here or elsewhere. */
  const count = ({ pair, network, name }: Keys): Count => {
    const now = clock.monotonic()
    const address = network === undefined ? undefined : addresses.get(network, FORGIVEN_EVERY_MS)
    const account = name === undefined ? undefined : accounts.get(name, FORGIVEN_EVERY_MS)
    const own = pairs.get(pair, undefined)
    const pressure = account ? pauseOf(account.tries, ofAccount) : 0
    for (const one of [own, address, account]) {
      if (!one) continue
      one.tries++
      one.at = now
    }
    own.pauseUntil = now + Math.max(pauseOf(own.tries, ofPair), pressure)
    if (address) address.pauseUntil = now + pauseOf(address.tries, ofAddress)
    return own
  }
  const forget = ({ pair, network, name }: Keys): void => {
    pairs.remove(pair)
    if (name !== undefined) accounts.remove(name)
    // Only this try: an own account must not buy an address new tries at those of others.
    if (network !== undefined) takeOne(addresses.peek(network))
  }
  const undo = ({ pair, network, name }: Keys): void => {
    takeOne(pairs.peek(pair))
    if (network !== undefined) takeOne(addresses.peek(network))
    if (name !== undefined) takeOne(accounts.peek(name))
  }
  const apply: Readonly<Record<Told['what'], (keys: Keys) => void>> = {
    tried: count,
    succeeded: forget,
    undone: undo,
  }
  const say = tellOthers(bus, TOPIC, (text) => {
    const told = JSON.parse(text) as Told
    apply[told.what](told.keys)
  })
  const tell = (what: Told['what'], keys: Keys): void => say(JSON.stringify({ what, keys } satisfies Told))

  return {
    knownForMs: KNOWN_FOR_MS,
    knownValue(account) {
      const signed = `${clock.now().toString(36)}-${randomBytes(12).toString('base64url')}`
      return `${signed}.${signer.sign(`${signed} ${account.normalize('NFC')}`)}`
    },
    isKnown: ({ account, known }) => known !== undefined && isKnown(account.normalize('NFC'), known),
    begin(attempt) {
      const keys = keysOf(attempt)
      const { pair, network, name } = keys
      const now = clock.monotonic()
      const address = network === undefined ? undefined : addresses.get(network, FORGIVEN_EVERY_MS)
      if (address && address.pauseUntil > now) return { waitMs: address.pauseUntil - now, triesLeft: 0 }

      const account = name === undefined ? undefined : accounts.get(name, FORGIVEN_EVERY_MS)
      const pressure = account ? pauseOf(account.tries, ofAccount) : 0
      const known = pairs.peek(pair)
      // The first try of an address waits as well while an account is tried from everywhere.
      const own = known ?? pairs.get(pair, undefined)
      if (!known && pressure > 0) own.pauseUntil = now + pressure
      if (own.pauseUntil > now) return { waitMs: own.pauseUntil - now, triesLeft: 0 }

      const tried = count(keys)
      tell('tried', keys)
      return { triesLeft: Math.max(0, free - tried.tries) }
    },
    succeeded(attempt) {
      const keys = keysOf(attempt)
      forget(keys)
      tell('succeeded', keys)
    },
    takeBack(attempt) {
      const keys = keysOf(attempt)
      undo(keys)
      tell('undone', keys)
    },
  }
}

function takeOne(count: Count | undefined): void {
  if (!count) return
  count.tries = Math.max(0, count.tries - 1)
  count.pauseUntil = 0
}

function pauseOf(tries: number, { free, baseMs, mostMs }: Pauses): number {
  return tries < free ? 0 : Math.min(mostMs, baseMs * 2 ** Math.min(64, tries - free))
}

function createCounts(most: number, longestMs: number, clock: Pick<Clock, 'monotonic'>) {
  // Longer than any pause, so that trying once a pause goes on counting.
  const forgottenAfterMs = 2 * longestMs
  // In the order of their last use: the first is the one to forget.
  const counts = new Map<string, Count>()
  const peek = (key: string): Count | undefined => {
    const count = counts.get(key)
    if (count && clock.monotonic() - Math.max(count.at, count.pauseUntil) > forgottenAfterMs) {
      counts.delete(key)
      return undefined
    }
    return count
  }
  return {
    peek,
    remove: (key: string) => void counts.delete(key),
    /** The count of a key, made when there is none. */
    get(key: string, forgivenEveryMs: number | undefined): Count {
      const now = clock.monotonic()
      const count = peek(key) ?? { tries: 0, at: now, pauseUntil: 0 }
      const forgiven = forgivenEveryMs === undefined ? 0 : Math.floor((now - count.at) / forgivenEveryMs)
      if (forgiven > 0) {
        count.tries = Math.max(0, count.tries - forgiven)
        count.at += forgiven * forgivenEveryMs!
      }
      counts.delete(key)
      counts.set(key, count)
      for (const oldest of counts.keys()) {
        if (counts.size <= most) break
        counts.delete(oldest)
      }
      return count
    },
  }
}
