/**
 * Signatures of messages: proof that the sender knows the shared secret, as clients of the original make it.
 *
 * A signature says nothing of when and by whom: whoever heard a signed message could send it again. So those that were
 * taken are remembered for a while, and the same one does not count twice. Only what `mostRemembered` and `rememberMs`
 * have room for is remembered.
 *
 * Nodes that share a store tell each other over its bus what they took, many at once, and no message waits for that: one
 * that is sent to two nodes within some milliseconds is taken by both, and so is one that is told while the store is away.
 * To rule that out each message would have to wait for the store, and none would be taken without it.
 *
 * @module
 */
import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto'
import { signedText, type UmfMessage } from '@hydra-gateway/protocol/umf'
import type { Clock } from '../observe/clock.ts'
import { tellOthers } from '../store/bus/others.ts'
import type { Bus } from '../store/bus/port.ts'

export interface SignatureSettings {
  /** Signatures that are remembered, about 150 bytes each; 0 takes a message as often as it comes. */
  readonly mostRemembered: number
  /** For how long, ms. */
  readonly rememberMs: number
}

export interface SignatureDeps {
  readonly secret: string
  readonly settings: SignatureSettings
  /** Where other nodes hear what was taken. @default there are none */
  readonly bus?: Pick<Bus, 'publish' | 'listen'> | undefined
  readonly clock: Pick<Clock, 'monotonic'>
}

export type SignatureFault = 'missing' | 'wrong' | 'replayed'

export interface Signatures {
  /** What is wrong with a message's signature, if anything. One that is right counts once. */
  check(message: UmfMessage): SignatureFault | undefined
  /** The signature of a message: HMAC-SHA256 over its long form, as lower-case hex. */
  sign(message: UmfMessage): string
  /** How many are remembered, and how many had to be forgotten before their time. */
  facts(): { readonly remembered: number; readonly forgotten: number }
}

const TOPIC = 'signatures taken'
const EACH = /[0-9a-f]{64}/g

export function createSignatures({
  secret,
  settings: { mostRemembered, rememberMs },
  bus,
  clock,
}: SignatureDeps): Signatures {
  const key = createSecretKey(secret, 'utf8')
  /** Until when each is remembered, the oldest first. */
  const seen = new Map<string, number>()
  let forgotten = 0

  const digest = (message: UmfMessage): Buffer =>
    createHmac('sha256', key).update(signedText(message)).digest()

  /** Drops what is over, then makes room for one more. */
  const makeRoom = (now: number): void => {
    for (const [signature, until] of seen) {
      if (until > now && seen.size < mostRemembered) return
      if (until > now) forgotten++
      seen.delete(signature)
    }
  }

  const remember = (signature: string, now: number): void => {
    seen.delete(signature)
    makeRoom(now)
    seen.set(signature, now + rememberMs)
  }

  const say = tellOthers(bus, TOPIC, (signatures) => {
    const now = clock.monotonic()
    for (const signature of signatures.match(EACH) ?? []) remember(signature, now)
  })
  let untold: string[] = []
  const tellAll = (): void => {
    say(untold.join(''))
    untold = []
  }
  const tell = (signature: string): void => {
    if (!bus) return
    untold.push(signature)
    // All that is taken in one turn goes together.
    if (untold.length === 1) setImmediate(tellAll)
  }

  return {
    check(message) {
      const { signature } = message
      if (!signature) return 'missing'
      // Hex decoding stops at what is no hex, and takes capitals: only the original's spelling is a signature.
      if (!/^[0-9a-f]{64}$/.test(signature)) return 'wrong'
      if (!timingSafeEqual(digest(message), Buffer.from(signature, 'hex'))) return 'wrong'
      if (mostRemembered <= 0) return undefined
      const now = clock.monotonic()
      if ((seen.get(signature) ?? 0) > now) return 'replayed'
      remember(signature, now)
      tell(signature)
      return undefined
    },
    sign: (message) => digest(message).toString('hex'),
    facts: () => ({ remembered: seen.size, forgotten }),
  }
}
