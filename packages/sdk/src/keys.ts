/**
 * Which gateway to register with, and the keys for it: options, then environment, then `.hydra/keys.json`.
 *
 * A gateway that was given no keys makes its own and keeps them in `.hydra/keys.json` where it was started; a
 * service started in that folder or below finds them there. The file is read again at each attempt, since the
 * gateway may be started later, or with other keys.
 *
 * @module
 */
import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'

export const DEFAULT_GATEWAY = 'http://localhost:8080'

export interface Keys {
  readonly publicKey: string
  readonly privateKey: string
}

export interface FoundKeys extends Keys {
  /** All public keys that were given: of `new,old` both. */
  readonly publicKeys: readonly string[]
  /** Where they came from, for people: a file, variables, or the options. */
  readonly from: string
}

export interface KeySources {
  readonly publicKey?: string
  readonly privateKey?: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where the search for `.hydra/keys.json` begins; it goes on upwards. */
  readonly cwd: string
}

/**
 * URLs of the gateway's nodes, mostly one, without a slash at the end; a text may name several with commas.
 *
 * @throws TypeError when there is none, or one isn't an http(s), ws(s) or tcp(s) URL
 */
export function gatewaysOf(
  option: string | readonly string[] | undefined,
  env: KeySources['env'],
): readonly string[] {
  const given = option ?? (env.HYDRA_GATEWAY || DEFAULT_GATEWAY)
  const texts = (typeof given === 'string' ? given.split(',') : given).map((text) => text.trim())
  const urls = texts.map((text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (!url || !/^(http|ws|tcp)s?:$/.test(url.protocol)) {
      throw new TypeError(`gateway must be a URL such as ${DEFAULT_GATEWAY}, not "${text}"`)
    }
    return text.replace(/\/+$/, '')
  })
  if (urls.length === 0) throw new TypeError('gateway must name at least one URL')
  return [...new Set(urls)]
}

/**
 * The keys, or one sentence that says why there are none and what to do. Resolves either way: the gateway
 * that writes the file may not have been started yet.
 */
export async function findKeys(sources: KeySources): Promise<FoundKeys | { readonly missing: string }> {
  const { env, cwd } = sources
  const given = {
    public: await keyOf(sources.publicKey, env, 'HYDRA_PUBLIC_KEY'),
    private: await keyOf(sources.privateKey, env, 'HYDRA_PRIVATE_KEY'),
  }
  if (given.public && given.private) {
    const places = new Set([given.public.from, given.private.from])
    const { key, keys } = given.public
    return {
      publicKey: key,
      publicKeys: keys,
      privateKey: given.private.key,
      from: [...places].join(' and '),
    }
  }

  const file = await nearestFile(cwd)
  if (given.public || given.private) {
    // Half a pair from one place and half from another would never fit together, but for a public key that is the kept
    // one: whoever exported it for one has it here.
    const kept = given.public && !isPrivateKeySet(sources) ? keysOf(file) : undefined
    if (kept && kept.publicKey === given.public?.key)
      return { ...kept, publicKeys: given.public.keys, from: `${given.public.from} and ${kept.from}` }
    const absent = given.public ? 'private' : 'public'
    return {
      missing: `the ${absent} key is missing: set HYDRA_${absent.toUpperCase()}_KEY or the option ${absent}Key.`,
    }
  }
  if (!file) {
    return {
      missing:
        'no keys: set HYDRA_PUBLIC_KEY and HYDRA_PRIVATE_KEY to those of the gateway, or start the gateway in ' +
        `this folder or one above it, so that its .hydra/keys.json is found (looked for from ${cwd} upwards).`,
    }
  }
  return (
    keysOf(file) ?? {
      missing: `${file.path} has no publicKey and privateKey in it: remove it and start the gateway again.`,
    }
  )
}

interface KeyFile {
  readonly path: string
  readonly text: string
}

/** The pair a gateway kept; undefined for a file without one. */
function keysOf(file: KeyFile | undefined): FoundKeys | undefined {
  if (!file) return undefined
  try {
    const found: { publicKey?: unknown; privateKey?: unknown } = JSON.parse(file.text)
    const publicKeys = keysIn(found.publicKey)
    const [publicKey] = publicKeys
    const [privateKey] = keysIn(found.privateKey)
    return publicKey && privateKey ? { publicKey, publicKeys, privateKey, from: file.path } : undefined
  } catch {
    // As one without keys in it.
    return undefined
  }
}

/** Whether somebody says a private key, as in a file that can't be read: there may be another pair. */
function isPrivateKeySet({ privateKey, env }: KeySources): boolean {
  return (privateKey ?? env.HYDRA_PRIVATE_KEY ?? env.HYDRA_PRIVATE_KEY_FILE) !== undefined
}

/** The option, else a setting, else the content of the file its `…_FILE` twin names. */
async function keyOf(
  option: string | undefined,
  env: KeySources['env'],
  name: string,
): Promise<{ readonly key: string; readonly keys: readonly string[]; readonly from: string } | undefined> {
  if (option !== undefined)
    return option === '' ? undefined : { key: option, keys: [option], from: 'the options' }
  const file = env[`${name}_FILE`]
  const value = env[name] || (file ? await readFile(file, 'utf8').catch(() => undefined) : undefined)
  const keys = keysIn(value)
  const [key] = keys
  return key === undefined ? undefined : { key, keys, from: env[name] ? name : `${name}_FILE` }
}

/** Of `new,old`, two valid keys of the gateway, the new one comes first. */
function keysIn(value: unknown): string[] {
  if (typeof value !== 'string') return []
  const keys = value.split(',').map((key) => key.trim())
  return keys[0] === '' ? [] : keys.filter((key) => key !== '')
}

async function nearestFile(cwd: string): Promise<KeyFile | undefined> {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const path = join(folder, '.hydra', 'keys.json')
    const text = await readFile(path, 'utf8').catch(() => undefined)
    if (text !== undefined) return { path, text }
    if (folder === dirname(folder)) return undefined
  }
}
