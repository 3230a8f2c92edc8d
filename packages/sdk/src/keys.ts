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

export interface KeySources {
  readonly publicKey?: string
  readonly privateKey?: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where the search for `.hydra/keys.json` begins; it goes on upwards. */
  readonly cwd: string
}

/** The gateway's URL without a slash at the end. Throws when it isn't an http(s) or ws(s) URL. */
export function gatewayOf(option: string | undefined, env: KeySources['env']): string {
  const text = option ?? (env.HYDRA_GATEWAY || DEFAULT_GATEWAY)
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^(http|ws|tcp)s?:$/.test(url.protocol)) {
    throw new TypeError(`gateway must be a URL such as ${DEFAULT_GATEWAY}, not "${text}"`)
  }
  return text.replace(/\/+$/, '')
}

/**
 * The keys, or one sentence that says why there are none and what to do. Resolves either way: the gateway
 * that writes the file may not have been started yet.
 */
export async function findKeys(sources: KeySources): Promise<Keys | { readonly missing: string }> {
  const { env, cwd } = sources
  let publicKey = sources.publicKey ?? (await setting(env, 'HYDRA_PUBLIC_KEY'))
  let privateKey = sources.privateKey ?? (await setting(env, 'HYDRA_PRIVATE_KEY'))
  if (publicKey && privateKey) return { publicKey, privateKey }

  // Half a pair from one place and half from another would never fit together.
  if (publicKey || privateKey) {
    const absent = publicKey ? 'private' : 'public'
    return {
      missing: `the ${absent} key is missing: set HYDRA_${absent.toUpperCase()}_KEY or the option ${absent}Key.`,
    }
  }
  const file = await nearestFile(cwd)
  if (!file) {
    return {
      missing:
        'no keys: set HYDRA_PUBLIC_KEY and HYDRA_PRIVATE_KEY to those of the gateway, or start the gateway in ' +
        `this folder or one above it, so that its .hydra/keys.json is found (looked for from ${cwd} upwards).`,
    }
  }
  try {
    const found: { publicKey?: unknown; privateKey?: unknown } = JSON.parse(file.text)
    publicKey = text(found.publicKey)
    privateKey = text(found.privateKey)
  } catch {
    // said below, like a file without keys in it
  }
  if (publicKey && privateKey) return { publicKey, privateKey }
  return {
    missing: `${file.path} has no publicKey and privateKey in it: remove it and start the gateway again.`,
  }
}

/** A setting or the content of the file its `…_FILE` twin names. `new,old` are two valid keys: the new one. */
async function setting(env: KeySources['env'], name: string): Promise<string | undefined> {
  const file = env[`${name}_FILE`]
  const value = env[name] || (file ? await readFile(file, 'utf8').catch(() => undefined) : undefined)
  return text(value?.split(',')[0]?.trim())
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.split(',')[0]?.trim() : undefined
}

async function nearestFile(cwd: string): Promise<{ path: string; text: string } | undefined> {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const path = join(folder, '.hydra', 'keys.json')
    const text = await readFile(path, 'utf8').catch(() => undefined)
    if (text !== undefined) return { path, text }
    if (folder === dirname(folder)) return undefined
  }
}
