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
  readonly memoryKib: number
  /** @default 2 */
  readonly passes: number
  /** @default 1 */
  readonly parallelism: number
  /** Hashes at a time; each takes its memory, and a thread of those that also read files. @default 2 */
  readonly atOnce: number
  /** That may wait for their turn; more are refused. @default 64 */
  readonly waiting: number
}

export const PASSWORD_DEFAULTS: PasswordSettings = {
  memoryKib: 19_456,
  passes: 2,
  parallelism: 1,
  atOnce: 2,
  waiting: 64,
}

export interface Passwords {
  /** The PHC string of a password. */
  hash(password: string): Promise<string>
  /** @throws HydraError HYDRA_OVERLOADED when too many wait */
  verify(phc: string, password: string): Promise<boolean>
  /** A hash no password fits, as costly to try as this one, or as one made here. */
  standIn(phc?: string): string
}

/** Longest password, in bytes. */
export const MOST_PASSWORD_BYTES = 1024

const MOST_MEMORY_BYTES = 256 * 1024 * 1024
/** Memory times passes, which is time: about two seconds. */
const MOST_WORK_BYTES = 1024 * 1024 * 1024
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
  const parsed = parse(phc)
  return typeof parsed === 'string' ? parsed : undefined
}

function parse(phc: string): Parsed | string {
  const [, m, t, p, ln, r, sp, salt64, tag64] = FORM.exec(phc) ?? []
  if (salt64 === undefined)
    return 'must be a PHC string of argon2id (v=19) or scrypt; `hydra users add` makes one'
  const salt = Buffer.from(salt64, 'base64')
  const tag = Buffer.from(tag64!, 'base64')
  if (salt.length < 8 || salt.length > 64) return 'has a salt that is not 8 to 64 bytes long'
  if (tag.length < 16 || tag.length > 128) return 'has a hash that is not 16 to 128 bytes long'
  if (m !== undefined) {
    const [memory, passes, parallelism] = [Number(m), Number(t), Number(p)]
    if (parallelism < 1 || parallelism > 8 || passes < 1 || memory < 8 * parallelism)
      return 'has parameters argon2id does not take (p 1 to 8, t at least 1, m at least 8 × p)'
    const fault = costFault(memory * 1024, memory * 1024 * passes)
    return fault ?? { kind: 'argon2id', memory, passes, parallelism, salt, tag }
  }
  const [exponent, blocks, parallel] = [Number(ln), Number(r), Number(sp)]
  if (exponent < 1 || exponent > 24 || blocks < 1 || parallel < 1)
    return 'has parameters scrypt does not take (ln 1 to 24, r and p at least 1)'
  const memory = 128 * blocks * 2 ** exponent
  const fault = costFault(memory + 128 * blocks * parallel, memory * parallel)
  return fault ?? { kind: 'scrypt', ln: exponent, r: blocks, p: parallel, salt, tag }
}

function costFault(memoryBytes: number, workBytes: number): string | undefined {
  if (memoryBytes > MOST_MEMORY_BYTES) return 'asks for more than 256 MiB of memory'
  if (workBytes > MOST_WORK_BYTES) return 'asks for more than 1 GiB of work (memory × passes)'
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
      const options: ScryptOptions = { N: 2 ** ln, r, p, maxmem: 2 * MOST_MEMORY_BYTES }
      scrypt(message, salt, length, options, done)
    }
  })
}

/** Makes the hasher of one process. */
export function createPasswords(settings: Partial<PasswordSettings> = {}): Passwords {
  const { memoryKib, passes, parallelism, atOnce, waiting } = { ...PASSWORD_DEFAULTS, ...settings }
  const own: Hash = { kind: 'argon2id', memory: memoryKib, passes, parallelism }
  const turns = createTurns(atOnce, waiting)
  return {
    async hash(password) {
      const bytes = bytesOf(password)
      if (!bytes)
        throw new HydraError('HYDRA_BAD_REQUEST', `a password has 1 to ${MOST_PASSWORD_BYTES} bytes`)
      const salt = randomBytes(SALT_BYTES)
      const tag = await turns(() => compute(bytes, own, salt, TAG_BYTES))
      return format(own, salt, tag)
    },
    async verify(phc, password) {
      const parsed = parse(phc)
      if (typeof parsed === 'string') throw new Error(`a password hash ${parsed}`)
      const bytes = bytesOf(password)
      // It costs the same whether or not it can be right.
      const { tag, salt } = parsed
      const made = await turns(() => compute(bytes ?? Buffer.from('-'), parsed, salt, tag.length))
      return timingSafeEqual(made, tag) && bytes !== undefined
    },
    standIn(phc) {
      const parsed = phc === undefined ? undefined : parse(phc)
      const like = typeof parsed === 'object' ? parsed : undefined
      return format(
        like ?? own,
        randomBytes(like?.salt.length ?? SALT_BYTES),
        randomBytes(like?.tag.length ?? TAG_BYTES),
      )
    },
  }
}

/** Runs so many at a time, the others in the order they came. */
function createTurns(atOnce: number, waiting: number) {
  const queue: (() => void)[] = []
  let running = 0
  return async <T>(run: () => Promise<T>): Promise<T> => {
    if (running >= atOnce) {
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
      const next = queue.shift()
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
