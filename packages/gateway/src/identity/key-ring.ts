/**
 * The key ring: the keys that sign tokens, the same on every node. One signs, all verify.
 *
 * It is kept sealed in the identity store and written by compare-and-set, so of two nodes that start together, or
 * rotate together, both end with the same one. A key that was replaced verifies until its last token has expired. Keys
 * of the configuration are never stored, and only the configuration changes them.
 *
 * A node that starts while the store is away signs with a key of its own, and takes over the ring of the store when it
 * finds one. What the store's ring lacks of the own keys, because it was made meanwhile or the store fell back to an
 * older copy of itself, is put into it to verify: no token loses its key by an accident of the store.
 *
 * @module
 */
import { z } from 'zod'
import { HydraError } from '../errors.ts'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { KeyRingStore } from '../store/identity/port.ts'
import { StoreAway } from '../store/redis/port.ts'
import type { KeyRing, RingKey } from './port.ts'
import {
  describeKey,
  isValidAt,
  makeKey,
  openKey,
  readPems,
  retireKey,
  type SigningKey,
  SigningKeyError,
  storedKey,
} from './ring-keys.ts'
import { createRingView } from './ring-view.ts'
import type { Sealer } from './sealing.ts'

export interface KeyRingDeps {
  readonly store: KeyRingStore
  readonly sealer: Sealer
  /** Keys of the configuration, PEM: the first signs. */
  readonly given?: readonly string[]
  readonly tokenLifeMs: number
  /** Whether the store outlives the process. @default true */
  readonly isLasting?: boolean
  readonly clock: Pick<Clock, 'now'>
  readonly log: Pick<Log, 'info' | 'warn'>
}

/** What is sealed. The first key signs. */
const storedRing = z.object({ keys: z.array(storedKey).min(1) })

/** Somebody else wrote first that often: something is wrong with the store. */
const MOST_TRIES = 20
/** Each of them was made within one token life: nobody needs that many, and each is 1.7 KB in the store. */
const MOST_KEYS = 16
/** Other nodes sign with the old key until they have looked, and clocks differ. */
const OVERLAP_MS = 60_000
/** As often a node puts one key back. */
const MOST_PUT_BACK = 3

const ALONE =
  'The signing keys can’t be reached: a key of this node signs until they are. Other nodes don’t know it, so that whoever comes from one of them may have to sign in again.'

interface StoredRing {
  readonly version: string | undefined
  readonly keys: readonly SigningKey[] | undefined
  /** Sealed by the private key that seals now. */
  readonly isCurrent: boolean
}

/** Opens the ring, or makes the first one. */
export async function createKeyRing(deps: KeyRingDeps): Promise<KeyRing> {
  const { clock, given = [] } = deps
  return given.length > 0 ? ringOf(deps, await readPems(given, clock.now())) : storedRingOf(deps)
}

/** A ring that is what the configuration says. */
function ringOf({ clock, log }: KeyRingDeps, keys: readonly SigningKey[]): KeyRing {
  const view = createRingView(clock, keys)
  log.info({ kid: keys[0]!.kid, keys: keys.length }, 'signing keys of the configuration')
  return view.ring({
    warnings: () => [],
    look: async () => {},
    sealed: async () => undefined,
    rotate: () =>
      Promise.reject(
        new HydraError(
          'HYDRA_CONFLICT',
          'The signing keys stand in the configuration: put a new one before the old one there',
        ),
      ),
  })
}

async function storedRingOf({ store, sealer, tokenLifeMs, isLasting = true, clock, log }: KeyRingDeps) {
  /** What this node has read last; what it wrote it reads once more. */
  let version: string | undefined
  const warnings: string[] = []
  if (!isLasting) {
    warnings.push(
      'Signing keys are kept in memory: a restart makes new ones, and other nodes don’t know them. Set an identity database or HYDRA_SIGNING_KEY.',
    )
  }

  const seal = (keys: readonly SigningKey[]): Promise<string> =>
    sealer.seal({ keys: keys.map(({ stored }) => stored) })
  const save = async (keys: readonly SigningKey[], expected: string | undefined): Promise<boolean> =>
    store.save(await seal(keys), expected)
  /** What is stored; keys are undefined when nobody here can open it, and when it is of a version that is known. */
  const load = async (isKnown: (version: string) => boolean = () => false): Promise<StoredRing> => {
    const found = await store.load()
    if (!found) return { version: undefined, keys: undefined, isCurrent: true }
    // Asked for with every change of the store; to open a ring costs a millisecond.
    if (isKnown(found.version)) return { version: found.version, keys: undefined, isCurrent: true }
    const ring = storedRing.safeParse(await sealer.open(found.sealed))
    if (!ring.success) return { version: found.version, keys: undefined, isCurrent: false }
    const keys = await Promise.all(ring.data.keys.map((key) => openKey(key))).catch(() => undefined)
    return { version: found.version, keys, isCurrent: sealer.isCurrent(found.sealed) }
  }
  /**
   * Writes the ring anew when keys are in it whose time is over, when it lacks keys of ours, or when it is sealed by a
   * private key that will be gone one day and would take the ring with it. Whoever else wrote first did the same.
   */
  const tidy = async (keys: readonly SigningKey[], stored: StoredRing, lacking = 0): Promise<boolean> => {
    const now = clock.now()
    const valid = keys.filter((key) => isValidAt(key, now))
    const isTidy = stored.isCurrent && lacking === 0 && valid.length === keys.length
    return isTidy || save(valid, stored.version)
  }

  const start = async (): Promise<readonly SigningKey[]> => {
    let fresh: SigningKey | undefined
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const found = await load()
      if (found.keys) {
        version = found.version
        await tidy(found.keys, found)
        return found.keys
      }
      fresh ??= await makeKey(clock.now())
      if (!(await save([fresh], found.version))) continue
      if (found.version !== undefined) {
        warnings.push(
          'The stored signing keys could not be opened and were replaced, as the private key is another: everybody has to sign in again.',
        )
        log.warn(
          {},
          'the stored signing keys could not be opened, as the private key is another; they were replaced',
        )
      }
      log.info({ kid: fresh.kid }, 'signing key made')
      return [fresh]
    }
    throw new SigningKeyError('the signing keys could not be written: other processes wrote first each time')
  }
  /** Set while no ring of the store was seen yet. */
  let ownKid: string | undefined
  const startAlone = async (error: unknown): Promise<readonly SigningKey[]> => {
    if (!(error instanceof StoreAway)) throw error
    const own = await makeKey(clock.now())
    ownKid = own.kid
    log.warn(
      { kid: own.kid },
      'the signing keys are out of reach: a key of this node signs until they are back',
    )
    return [own]
  }

  const view = createRingView(clock, await start().catch(startAlone))
  let unreadable: string | undefined
  /** How often a key was put back into the ring: somebody whose clock is ahead may take it out each time. */
  const putBack = new Map<string, number>()

  /** Keys of ours that a ring lacks, and whose tokens may be valid for a while. */
  const lackingOf = (keys: readonly SigningKey[]): readonly SigningKey[] => {
    const now = clock.now()
    const there = new Set(keys.map(({ kid }) => kid))
    return view
      .keys()
      .filter(({ kid, until }) => !there.has(kid) && (until === undefined || until > now + OVERLAP_MS))
      .map((key) => (key.until === undefined ? retireKey(key, now + tokenLifeMs + OVERLAP_MS) : key))
  }
  /** The same, as far as they may be put into the ring. */
  const fitting = (keys: readonly SigningKey[], lacking: readonly SigningKey[]): readonly SigningKey[] =>
    lacking
      .filter(({ kid }) => (putBack.get(kid) ?? 0) < MOST_PUT_BACK)
      .slice(0, Math.max(0, MOST_KEYS - keys.length))

  /** Takes over what others wrote. */
  const look = async (): Promise<void> => {
    const isKnown = (stored: string): boolean => stored === version || stored === unreadable
    const found = await load(isKnown)
    if (found.version === undefined) {
      // The store lost it, or never had one; this node has.
      if (!(await save(view.keys(), undefined))) return
      if (ownKid === undefined) log.warn({}, 'the store had lost the signing keys; they were written again')
      else log.info({ kid: ownKid }, 'the store has signing keys now: the key of this node')
      ownKid = undefined
      return
    }
    if (isKnown(found.version)) return
    if (!found.keys) {
      unreadable = found.version
      log.warn({}, 'somebody with another private key wrote the signing keys: this node keeps its own')
      return
    }
    const lacking = lackingOf(found.keys)
    const put = fitting(found.keys, lacking)
    if (await tidy([...found.keys, ...put], found, put.length))
      for (const { kid } of put) putBack.set(kid, (putBack.get(kid) ?? 0) + 1)
    version = found.version
    ownKid = undefined
    // those that don't fit into the ring verify here
    if (view.replace([...found.keys, ...lacking]))
      log.info({ kid: found.keys[0]!.kid }, 'signing keys changed')
  }

  const rotate = async (): Promise<RingKey> => {
    const fresh = await makeKey(clock.now())
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const found = await load()
      const now = clock.now()
      const known = found.keys ? [...found.keys, ...lackingOf(found.keys)] : view.keys()
      const old = known
        .filter((key) => isValidAt(key, now))
        .map((key) => (key.until === undefined ? retireKey(key, now + tokenLifeMs + OVERLAP_MS) : key))
      if (old.length >= MOST_KEYS)
        throw new HydraError(
          'HYDRA_CONFLICT',
          `Tokens of ${old.length} keys may still be valid: that is enough`,
        )
      if (!(await save([fresh, ...old], found.version))) continue
      ownKid = undefined
      view.replace([fresh, ...old])
      log.info({ kid: fresh.kid }, 'signing key rotated')
      return describeKey(fresh, 0)
    }
    throw new HydraError('HYDRA_CONFLICT', 'others wrote the signing keys each time')
  }

  const inTurn = createSequence()
  const warningsNow = () => (ownKid === undefined ? warnings : [...warnings, ALONE])
  return view.ring({
    warnings: warningsNow,
    look: () => inTurn(look),
    rotate: () => inTurn(rotate),
    sealed: () => seal(view.keys()),
  })
}

/** Each after the one before, whatever became of that. */
function createSequence() {
  let last: Promise<unknown> = Promise.resolve()
  return <Result>(run: () => Promise<Result>): Promise<Result> => {
    const turn = last.then(run, run)
    last = turn.catch(() => {})
    return turn
  }
}
