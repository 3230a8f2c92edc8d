/**
 * Passwords: hashed with argon2id, kept as PHC strings, verified off the event loop and never many at a time.
 *
 * Strings made elsewhere hold as well, argon2id and scrypt. What they may cost is bounded: a hash in a configuration
 * must not take gigabytes at the first sign-in.
 *
 * @module
 */
import {
  type Argon2Parameters,
  argon2,
  randomBytes,
  type ScryptOptions,
  scrypt,
  timingSafeEqual,
} from 'node:crypto'
import { HydraError } from '../errors.ts'

export interface PasswordSettings {
  /** @default 19456, the first choice of OWASP's password storage cheat sheet with 2 passes */
  readonly memoryKiB: number
  /** @default 2 */
  readonly passes: number
  /** @default 1 */
  readonly parallelism: number
  /** Hashes at a time; each takes its memory, and a thread of those that also read files. @default 2 */
  readonly concurrent: number
  /** That may wait for their turn; more are refused. @default 64 */
  readonly waiting: number
}

export const PASSWORD_DEFAULTS: PasswordSettings = {
  memoryKiB: 19_456,
  passes: 2,
  parallelism: 1,
  concurrent: 2,
  waiting: 64,
}

export interface Passwords {
  /** The PHC string of a password. */
  hash(password: string): Promise<string>
  /**
   * `isFirst`: its turn comes before those of all others, and there is a line for such alone.
   *
   * @throws HydraError HYDRA_OVERLOADED when too many wait
   */
  verify(phc: string, password: string, options?: { readonly isFirst?: boolean }): Promise<boolean>
  /** What is wrong with a PHC string; undefined when it can be verified here. */
  fault(phc: string): string | undefined
  /** A hash no password fits, as costly to try as this one, or as one made here. */
  standIn(phc?: string): string
}

/** Longest password, in bytes. */
export const MOST_PASSWORD_BYTES = 1024

/** What a hash may cost whose parameters are not those of the settings. */
interface Limits {
  readonly memoryBytes: number
  /** Memory times passes, which is time: the default is about two seconds. */
  readonly workBytes: number
}
const LIMITS: Limits = { memoryBytes: 256 * 1024 * 1024, workBytes: 1024 * 1024 * 1024 }
const TAG_BYTES = 32
const SALT_BYTES = 16

type Hash =
  | {
      readonly kind: 'argon2id'
      readonly memory: number
      readonly passes: number
      readonly parallelism: number
    }
  | { readonly kind: 'scrypt'; readonly ln: number; readonly r: number; readonly p: number }
type Parsed = Hash & { readonly salt: Buffer; readonly tag: Buffer }

const FORM =
  /^\$(?:argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,4}),p=(\d{1,3})|scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3}))\$([A-Za-z0-9+/]{1,128})\$([A-Za-z0-9+/]{1,172})$/

/** What is wrong with a PHC string, for whoever wrote it into a configuration; undefined when it can be used. */
export function passwordHashFault(phc: string): string | undefined {
  const parsed = parse(phc, LIMITS)
  return typeof parsed === 'string' ? parsed : undefined
}

function parse(phc: string, limits: Limits): Parsed | string {
  const [, m, t, p, ln, r, sp, salt64, tag64] = FORM.exec(phc) ?? []
  if (salt64 === undefined)
    return 'must be a PHC string of argon2id (v=19) or scrypt; `hydra users hash` makes one'
  const salt = Buffer.from(salt64, 'base64')
  const tag = Buffer.from(tag64!, 'base64')
  if (salt.length < 8 || salt.length > 64) return 'has a salt that is not 8 to 64 bytes long'
  if (tag.length < 16 || tag.length > 128) return 'has a hash that is not 16 to 128 bytes long'
  if (m !== undefined) {
    const [memory, passes, parallelism] = [Number(m), Number(t), Number(p)]
    if (parallelism < 1 || parallelism > 16 || passes < 1 || memory < 8 * parallelism)
      return 'has parameters argon2id does not take (p 1 to 16, t at least 1, m at least 8 × p)'
    const fault = costFault(limits, memory * 1024, memory * 1024 * passes)
    return fault ?? { kind: 'argon2id', memory, passes, parallelism, salt, tag }
  }
  const [exponent, blocks, parallel] = [Number(ln), Number(r), Number(sp)]
  if (exponent < 1 || exponent > 24 || blocks < 1 || parallel < 1)
    return 'has parameters scrypt does not take (ln 1 to 24, r and p at least 1)'
  const memory = 128 * blocks * 2 ** exponent
  const fault = costFault(limits, memory + 128 * blocks * parallel, memory * parallel)
  return fault ?? { kind: 'scrypt', ln: exponent, r: blocks, p: parallel, salt, tag }
}

function costFault(limits: Limits, memoryBytes: number, workBytes: number): string | undefined {
  const mib = (bytes: number) => `${Math.round(bytes / 1024 / 1024)} MiB`
  if (memoryBytes > limits.memoryBytes) return `asks for more than ${mib(limits.memoryBytes)} of memory`
  if (workBytes > limits.workBytes)
    return `asks for more work than ${mib(limits.workBytes)} (memory × passes)`
  return undefined
}

/** What is hashed: the same for every way a keyboard may compose it (NFC). */
function bytesOf(password: string): Buffer | undefined {
  if (password === '' || password.length > MOST_PASSWORD_BYTES) return undefined
  const bytes = Buffer.from(password.normalize('NFC'))
  return bytes.length > MOST_PASSWORD_BYTES ? undefined : bytes
}

function format(hash: Hash, salt: Buffer, tag: Buffer): string {
  const { kind } = hash
  const parameters =
    kind === 'argon2id'
      ? `v=19$m=${hash.memory},t=${hash.passes},p=${hash.parallelism}`
      : `ln=${hash.ln},r=${hash.r},p=${hash.p}`
  const base64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')
  return `$${kind}$${parameters}$${base64(salt)}$${base64(tag)}`
}

/** Computes a hash on another thread. */
function compute(message: Buffer, hash: Hash, salt: Buffer, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, tag: Buffer) => (error ? reject(error) : resolve(tag))
    if (hash.kind === 'argon2id') {
      const { memory, passes, parallelism } = hash
      const parameters: Argon2Parameters = {
        message,
        nonce: salt,
        memory,
        passes,
        parallelism,
        tagLength: length,
      }
      argon2('argon2id', parameters, done)
    } else {
      const { ln, r, p } = hash
      const options: ScryptOptions = { N: 2 ** ln, r, p, maxmem: 256 * 2 ** ln * r + 1024 * r * p }
      scrypt(message, salt, length, options, done)
    }
  })
}

/** Makes the hasher of one process. */
export function createPasswords(settings: Partial<PasswordSettings> = {}): Passwords {
  const { memoryKiB, passes, parallelism, concurrent, waiting } = { ...PASSWORD_DEFAULTS, ...settings }
  const own: Hash = { kind: 'argon2id', memory: memoryKiB, passes, parallelism }
  const ownBytes = memoryKiB * 1024
  const limits: Limits = {
    memoryBytes: Math.max(LIMITS.memoryBytes, ownBytes),
    workBytes: Math.max(LIMITS.workBytes, ownBytes * passes),
  }
  const turns = createTurns(concurrent, waiting)
  return {
    async hash(password) {
      const bytes = bytesOf(password)
      if (!bytes)
        throw new HydraError('HYDRA_BAD_REQUEST', `a password has 1 to ${MOST_PASSWORD_BYTES} bytes`)
      const salt = randomBytes(SALT_BYTES)
      const tag = await turns(() => compute(bytes, own, salt, TAG_BYTES))
      return format(own, salt, tag)
    },
    async verify(phc, password, { isFirst = false } = {}) {
      const parsed = parse(phc, limits)
      if (typeof parsed === 'string') throw new Error(`a password hash ${parsed}`)
      const bytes = bytesOf(password)
      // It costs the same whether or not it can be right.
      const { tag, salt } = parsed
      const made = await turns(() => compute(bytes ?? Buffer.from('-'), parsed, salt, tag.length), isFirst)
      return timingSafeEqual(made, tag) && bytes !== undefined
    },
    fault(phc) {
      const parsed = parse(phc, limits)
      return typeof parsed === 'string' ? parsed : undefined
    },
    standIn(phc) {
      const parsed = phc === undefined ? undefined : parse(phc, limits)
      const like = typeof parsed === 'object' ? parsed : undefined
      return format(
        like ?? own,
        randomBytes(like?.salt.length ?? SALT_BYTES),
        randomBytes(like?.tag.length ?? TAG_BYTES),
      )
    },
  }
}

/** Runs so many at a time, the others in the order they came; those that are first in a line of their own. */
function createTurns(concurrent: number, waiting: number) {
  const first: (() => void)[] = []
  const others: (() => void)[] = []
  let running = 0
  return async <T>(run: () => Promise<T>, isFirst = false): Promise<T> => {
    if (running >= concurrent) {
      const queue = isFirst ? first : others
      if (queue.length >= waiting)
        throw new HydraError('HYDRA_OVERLOADED', 'many people sign in at this moment')
      // Whoever ends hands its place over, so nobody who comes later gets in between.
      await new Promise<void>((resolve) => queue.push(resolve))
    } else {
      running++
    }
    try {
      return await run()
    } finally {
      const next = first.shift() ?? others.shift()
      if (next) next()
      else running--
    }
  }
}

const plain = createPasswords()

/** Hashes a password with the default parameters. */
export const hashPassword = (password: string): Promise<string> => plain.hash(password)
/** Whether a password fits a PHC string. */
export const verifyPassword = (phc: string, password: string): Promise<boolean> => plain.verify(phc, password)
