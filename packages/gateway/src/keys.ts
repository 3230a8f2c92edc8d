/**
 * The two keys services and operators show: one in the path they register at, one as a shared secret.
 *
 * Several may be valid at once, so that they can be changed without a stop. Comparisons take the same time
 * whatever is compared, over all valid keys.
 *
 * @module
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { chmod, link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'

export interface Keys {
  /** The newest ones: what people are shown, and what others are derived from. */
  readonly publicKey: string
  readonly privateKey: string
  /** Every valid private key, the newest first: a signature made with any of them holds. */
  readonly privateKeys: readonly string[]
  /** Where they come from: the configuration, a file that was there, or made in this run. */
  readonly source: 'given' | 'kept' | 'made'
  /** What an operator should know about them. */
  readonly warnings: readonly string[]
  /** True for a valid public key. */
  accepts(publicKey: string): boolean
  /** True when both are valid; which of several valid ones they are does not matter. */
  acceptsPair(publicKey: string, privateKey: string): boolean
  /** The text with every public key in it cut to its first four characters: for paths in logs. */
  mask(path: string): string
}

/** Where made-up keys are kept, from the working directory. */
export const KEYS_FILE = '.hydra/keys.json'

const SHORT = 16

const kept = z.object({
  publicKey: z.string().regex(/^[\w.~-]{1,256}$/),
  privateKey: z.string().min(1).max(1024),
})

/** Keys that can't be used or kept; the message says what to do. */
export class KeysError extends Error {
  readonly code = 'HYDRA_BAD_KEYS'

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'KeysError'
  }
}

/** Keys for a run: the given ones; otherwise those kept in `file`, made and written there the first time. */
export async function createKeys({
  given,
  file,
  random = (bytes) => randomBytes(bytes).toString('base64url'),
}: {
  given: { readonly publicKey: readonly string[]; readonly privateKey: readonly string[] }
  file: string
  random?: (bytes: number) => string
}): Promise<Keys> {
  if (given.publicKey.length > 0 && given.privateKey.length > 0) {
    return keysOf({ publicKeys: given.publicKey, privateKeys: given.privateKey, source: 'given' })
  }
  const before = await readKeys(file)
  const pair = before ?? (await makeKeys(file, random))
  return keysOf({
    publicKeys: [pair.publicKey],
    privateKeys: [pair.privateKey],
    source: before ? 'kept' : 'made',
  })
}

/** Keys that were made before and kept; undefined when there is no such file. Throws KeysError. */
export async function readKeys(file: string): Promise<z.output<typeof kept> | undefined> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw new KeysError(
      `${file} can't be read (${code}). Make it readable, or give keys as HYDRA_PUBLIC_KEY and HYDRA_PRIVATE_KEY.`,
      { cause },
    )
  }
  try {
    return kept.parse(JSON.parse(text))
  } catch (cause) {
    // never overwritten: services may have been given these keys
    throw new KeysError(
      `${file} does not hold { "publicKey": "…", "privateKey": "…" }. Mend it, or remove it and new keys are made.`,
      { cause },
    )
  }
}

/** Keys that were kept in `directory` or the nearest one above it, as services look for them. Throws KeysError. */
export async function findKeptKeys(
  directory: string,
): Promise<(z.output<typeof kept> & { readonly file: string }) | undefined> {
  const here = resolve(directory)
  const file = join(here, KEYS_FILE)
  const found = await readKeys(file)
  if (found) return { ...found, file }
  const above = dirname(here)
  return above === here ? undefined : findKeptKeys(above)
}

async function makeKeys(file: string, random: (bytes: number) => string): Promise<z.output<typeof kept>> {
  const pair = { publicKey: random(18), privateKey: random(32) }
  const aside = `${file}.${random(6)}`
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await chmod(dirname(file), 0o700)
    // written aside and linked: of two gateways that start together one keeps its keys and the other reads them whole
    await writeFile(aside, `${JSON.stringify(pair, undefined, 2)}\n`, { mode: 0o600, flag: 'wx' })
    await link(aside, file)
    return pair
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'EEXIST') return (await readKeys(file)) ?? pair
    throw new KeysError(
      `Keys were made, but ${file} can't be written (${code}). Start in a directory that can be written to, or give keys as HYDRA_PUBLIC_KEY and HYDRA_PRIVATE_KEY.`,
      { cause },
    )
  } finally {
    await rm(aside, { force: true })
  }
}

function keysOf({
  publicKeys,
  privateKeys,
  source,
}: {
  publicKeys: readonly string[]
  privateKeys: readonly string[]
  source: Keys['source']
}): Keys {
  const publicDigests = publicKeys.map(digest)
  const shortest = Math.min(...publicKeys.map(({ length }) => length))
  const privateDigests = privateKeys.map(digest)
  return {
    publicKey: publicKeys[0]!,
    privateKey: privateKeys[0]!,
    privateKeys,
    source,
    warnings: [...warningsOf('public', publicKeys), ...warningsOf('private', privateKeys)],
    accepts: (publicKey) => isAmong(publicDigests, publicKey),
    acceptsPair(publicKey, privateKey) {
      const isPublic = isAmong(publicDigests, publicKey)
      const isPrivate = isAmong(privateDigests, privateKey)
      return isPublic && isPrivate
    },
    mask(path) {
      // Asked for every request: most paths are too short for a key, or hold neither one nor an escape it could be
      // written with.
      if (path.length < shortest) return path
      if (!path.includes('%') && !publicKeys.some((key) => path.includes(key))) return path
      const meant = decoded(path)
      const shown = publicKeys.some((key) => meant.includes(key)) ? meant : path
      return publicKeys.reduce((text, key) => text.replaceAll(key, maskKey(key)), shown)
    },
  }
}

/** A key is a key however it is written: `%70ub…` opens the same door as `pub…`. */
function decoded(path: string): string {
  return path.replace(/%([2-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** What may be shown of a key: enough to tell which one it is. */
export function maskKey(key: string): string {
  return key.length < SHORT ? '…' : `${key.slice(0, 4)}…`
}

function warningsOf(kind: 'public' | 'private', keys: readonly string[]): string[] {
  if (keys.every((key) => key.length >= SHORT)) return []
  return [
    `The ${kind} key is shorter than ${SHORT} characters and may be guessed. Make one: openssl rand -hex 24`,
  ]
}

const digest = (text: string) => createHash('sha256').update(text).digest()

/** Compares with all of them, so that the time tells neither which one fits nor whether one does. */
function isAmong(digests: readonly Buffer[], candidate: string): boolean {
  const candidateDigest = digest(candidate)
  let isFound = false
  for (const each of digests) isFound = timingSafeEqual(each, candidateDigest) || isFound
  return isFound
}
