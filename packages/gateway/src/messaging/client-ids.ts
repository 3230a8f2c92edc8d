/**
 * Ids of clients: `[0-9a-z]+`, as services and original routers expect them, that nobody can guess and any node of this
 * cluster can tell from invented ones, without asking anybody.
 *
 * ```
 * kind (1) · random (21, 104 bits) · check (13, 64 bits of a keyed hash) · owner (13, only of who is signed in)
 * ```
 *
 * An id of somebody who is signed in is bound to that session: it is of no use to anybody else, nor after the session.
 *
 * @module
 */
import {
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'

/** `classic`: known as long as its socket is open, and by its id when it comes back. `resuming`: has a token of its own. */
export type ClientKind = 'classic' | 'resuming'

export interface KnownClientId {
  readonly kind: ClientKind
  /** It belongs to a session of somebody who is signed in. */
  readonly isBound: boolean
}

export interface ClientIds {
  /** Makes one. `sid`: session of whom it is bound to. */
  mint(kind: ClientKind, sid?: string): string
  /** What an id says, undefined for one that none of our nodes gave out. */
  read(id: string): KnownClientId | undefined
  /** Whether a bound id was given to this session. */
  belongsTo(id: string, sid: string): boolean
}

const RANDOM_BYTES = 13
const RANDOM = 21
const CHECK = 13
const FREE_LENGTH = 1 + RANDOM + CHECK
const BOUND_LENGTH = FREE_LENGTH + CHECK
const FORM = /^[crs][0-9a-z]+$/

/** Makes the ids of one cluster. The first key makes them, all know them. */
export function createClientIds(
  privateKeys: readonly string[],
  random: (bytes: number) => Buffer = randomBytes,
): ClientIds {
  // What is made of bytes each time costs six times as much.
  const keys = privateKeys.map((key) =>
    createSecretKey(Buffer.from(hkdfSync('sha256', key, '', 'hydra-gateway client ids', 32))),
  )
  const [first] = keys
  if (!first) throw new Error('ids of clients need a private key')

  const isSigned = (text: string, given: string): boolean => {
    const bytes = Buffer.from(given, 'latin1')
    let isOurs = false
    for (const key of keys)
      if (timingSafeEqual(bytes, Buffer.from(checkOf(key, text), 'latin1'))) isOurs = true
    return isOurs
  }

  return {
    mint(kind, sid) {
      const isBound = sid !== undefined && kind === 'classic'
      const stem = `${kind === 'resuming' ? 'r' : isBound ? 's' : 'c'}${base36(random(RANDOM_BYTES), RANDOM)}`
      const id = `${stem}${checkOf(first, stem)}`
      return isBound ? `${id}${checkOf(first, `${stem} ${sid}`)}` : id
    },
    read(id) {
      const isBound = id.startsWith('s')
      if (id.length !== (isBound ? BOUND_LENGTH : FREE_LENGTH) || !FORM.test(id)) return undefined
      if (!isSigned(id.slice(0, 1 + RANDOM), id.slice(1 + RANDOM, FREE_LENGTH))) return undefined
      return { kind: id.startsWith('r') ? 'resuming' : 'classic', isBound }
    },
    belongsTo: (id, sid) =>
      id.length === BOUND_LENGTH && isSigned(`${id.slice(0, 1 + RANDOM)} ${sid}`, id.slice(FREE_LENGTH)),
  }
}

function checkOf(key: KeyObject, text: string): string {
  return base36(createHmac('sha256', key).update(text).digest().subarray(0, 8), CHECK)
}

function base36(bytes: Buffer, length: number): string {
  return BigInt(`0x${bytes.toString('hex')}`)
    .toString(36)
    .padStart(length, '0')
}
