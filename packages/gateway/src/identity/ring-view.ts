/**
 * What a node knows of the keys that sign tokens, as everybody else sees it.
 *
 * The time is asked at each use: no timer ends a key.
 *
 * @module
 */
import type { KeysAnswer } from '@hydra-gateway/protocol'
import type { Clock } from '../observe/clock.ts'
import type { KeyRing } from './port.ts'
import { describeKey, isValidAt, type SigningKey } from './ring-keys.ts'

/** Makes the ring of some keys; `replace` gives it others. */
export function createRingView(clock: Pick<Clock, 'now'>, initial: readonly SigningKey[]) {
  let keys = initial
  let byKid = new Map(keys.map((key) => [key.kid, key]))
  const listeners = new Set<() => void>()

  const find = (kid: string): SigningKey | undefined => {
    const key = byKid.get(kid)
    return key && isValidAt(key, clock.now()) ? key : undefined
  }
  const valid = (): readonly SigningKey[] => {
    const now = clock.now()
    return keys.filter((key) => isValidAt(key, now))
  }
  const answer = (): KeysAnswer => ({ publicKey: keys[0]!.publicKey, keys: valid().map(({ jwk }) => jwk) })

  return {
    keys: () => keys,
    /** Whether that changed anything. */
    replace(next: readonly SigningKey[]): boolean {
      const isSame =
        next.length === keys.length &&
        next.every(({ kid, until }, i) => keys[i]!.kid === kid && keys[i]!.until === until)
      keys = next
      byKid = new Map(next.map((key) => [key.kid, key]))
      if (!isSame) for (const listener of listeners) listener()
      return !isSame
    },
    ring: (
      rest: Pick<KeyRing, 'look' | 'rotate' | 'sealed'> & { warnings(): readonly string[] },
    ): KeyRing => ({
      get activeKid() {
        return keys[0]!.kid
      },
      get publicKey() {
        return keys[0]!.publicKey
      },
      get warnings() {
        return rest.warnings()
      },
      has: (kid) => find(kid) !== undefined,
      signingKey(kid) {
        const key = (kid === undefined ? undefined : find(kid)) ?? keys[0]!
        return { kid: key.kid, key: key.signing }
      },
      verifyingKey: (kid) => find(kid)?.verifying,
      answer,
      list: () => valid().map(describeKey),
      rotate: rest.rotate,
      look: rest.look,
      sealed: rest.sealed,
      onChange(listener) {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
    }),
  }
}
