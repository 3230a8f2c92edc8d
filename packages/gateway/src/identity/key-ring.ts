/**
 * The key ring: the keys that sign tokens, the same on every node. One signs, all verify.
 *
 * It is kept sealed in the identity store and written by compare-and-set, so of two nodes that start together, or
 * rotate together, both end with the same one. A key that was replaced verifies until its last token has expired. Keys
 * of the configuration are never stored, and only the configuration changes them.
 *
 * @module
 */
import { z } from 'zod'
import { HydraError } from '../errors.ts'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { KeyRingStore } from '../store/identity/port.ts'
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
  /** Version this node has read last; what it wrote it reads once more. */
  let version = 0
  const warnings: string[] = []
  if (!isLasting) {
    warnings.push(
      'Signing keys are kept in memory: a restart makes new ones, and other nodes don’t know them. Set an identity database or HYDRA_SIGNING_KEY.',
    )
  }

  const save = async (keys: readonly SigningKey[], expected: number): Promise<boolean> => {
    const sealed = await sealer.seal({ keys: keys.map(({ stored }) => stored) })
    return store.save(sealed, expected)
  }
  /** What is stored; keys are undefined when nobody here can open it, and when it is of a version that is known. */
  const load = async (isKnown: (version: number) => boolean = () => false) => {
    const found = await store.load()
    if (!found) return { version: 0, keys: undefined, isCurrent: true }
    // Asked for with every change of the store; to open a ring costs a millisecond.
    if (isKnown(found.version)) return { version: found.version, keys: undefined, isCurrent: true }
    const ring = storedRing.safeParse(await sealer.open(found.sealed))
    if (!ring.success) return { version: found.version, keys: undefined, isCurrent: false }
    const keys = await Promise.all(ring.data.keys.map((key) => openKey(key))).catch(() => undefined)
    return { version: found.version, keys, isCurrent: sealer.isCurrent(found.sealed) }
  }
  /**
   * Writes the ring anew when keys are in it whose time is over, or when it is sealed by a private key that will be
   * gone one day and would take the ring with it. Whoever else wrote first did the same.
   */
  const tidy = async (keys: readonly SigningKey[], stored: { version: number; isCurrent: boolean }) => {
    const now = clock.now()
    const valid = keys.filter((key) => isValidAt(key, now))
    if (!stored.isCurrent || valid.length < keys.length) await save(valid, stored.version)
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
      if (found.version > 0) {
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

  const view = createRingView(clock, await start())
  let unreadable = 0

  /** Takes over what others wrote. */
  const look = async (): Promise<void> => {
    const isKnown = (stored: number): boolean => stored === version || stored === unreadable
    const found = await load(isKnown)
    if (found.version === 0) {
      // The store lost it; this node did not.
      if (await save(view.keys(), 0))
        log.warn({}, 'the store had lost the signing keys; they were written again')
      return
    }
    if (isKnown(found.version)) return
    if (!found.keys) {
      unreadable = found.version
      log.warn({}, 'somebody with another private key wrote the signing keys: this node keeps its own')
      return
    }
    version = found.version
    await tidy(found.keys, found)
    if (view.replace(found.keys)) log.info({ kid: found.keys[0]!.kid }, 'signing keys changed')
  }

  const rotate = async (): Promise<RingKey> => {
    const fresh = await makeKey(clock.now())
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const found = await load()
      const now = clock.now()
      const old = (found.keys ?? view.keys())
        .filter((key) => isValidAt(key, now))
        .map((key) => (key.until === undefined ? retireKey(key, now + tokenLifeMs + OVERLAP_MS) : key))
      if (old.length >= MOST_KEYS)
        throw new HydraError(
          'HYDRA_CONFLICT',
          `Tokens of ${old.length} keys may still be valid: that is enough`,
        )
      if (!(await save([fresh, ...old], found.version))) continue
      view.replace([fresh, ...old])
      log.info({ kid: fresh.kid }, 'signing key rotated')
      return describeKey(fresh, 0)
    }
    throw new HydraError('HYDRA_CONFLICT', 'others wrote the signing keys each time')
  }

  const inTurn = createSequence()
  return view.ring({ warnings: () => warnings, look: () => inTurn(look), rotate: () => inTurn(rotate) })
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
