/**
 * From parsed settings to the `Config` the gateway is built with: what depends on several settings at once,
 * and what is read from files it names.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { z } from 'zod'
import type { Config, IdentityConfig, ProviderConfig, StaticInstance, StaticService } from '../config.ts'
import { readSecretFile, readSigningKeys } from './identity-files.ts'
import type { configSchema } from './schema.ts'
import { SELF_SIGNED } from './tls.ts'

type Parsed = z.output<typeof configSchema>
type ParsedProvider = Parsed['identity']['providers'][string]
type ParsedService = Parsed['services'][string]

/** Fills in what follows from other settings. */
export function settle(parsed: Parsed, directory: string): Config {
  const { publicKey = [], privateKey = [] } = parsed.keys
  // made-up keys are nobody's decision: until there is one, only this machine is let in
  const from = parsed.registration.from ?? (publicKey.length > 0 ? ['loopback', 'private'] : ['loopback'])
  return deepFreeze({
    ...parsed,
    keys: { publicKey, privateKey },
    ...(parsed.tls === undefined ? {} : { tls: settleTls(parsed.tls, directory) }),
    registration: { ...parsed.registration, from },
    redis: settleRedis(parsed.redis, directory),
    identity: settleIdentity(parsed.identity, directory),
    services: Object.entries(parsed.services).map(([name, service]) =>
      settleService(name, service, directory),
    ),
  })
}

function settleTls(tls: NonNullable<Parsed['tls']>, directory: string): NonNullable<Parsed['tls']> {
  if (tls === SELF_SIGNED) return tls
  return tls.map(({ cert, key }) => ({ cert: resolve(directory, cert), key: resolve(directory, key) }))
}

function settleRedis({ ca, cert, key, ...rest }: Parsed['redis'], directory: string): Parsed['redis'] {
  const pem = (text: string) => readPem(text, directory)
  return {
    ...rest,
    ...(ca === undefined ? {} : { ca: pem(ca) }),
    ...(cert === undefined ? {} : { cert: pem(cert) }),
    ...(key === undefined ? {} : { key: pem(key) }),
  }
}

function settleIdentity(parsed: Parsed['identity'], directory: string): IdentityConfig {
  const { database, loginTemplate, signingKeys, providers, ...rest } = parsed
  return {
    ...rest,
    ...(database === undefined ? {} : { database: database && resolve(directory, database) }),
    ...(loginTemplate === undefined ? {} : { loginTemplate: resolve(directory, loginTemplate) }),
    signingKeys: signingKeys === undefined ? [] : readSigningKeys(signingKeys, directory),
    providers: Object.fromEntries(
      Object.entries(providers).map(([name, provider]) => [name, settleProvider(provider, directory)]),
    ),
  }
}

function settleProvider(provider: ParsedProvider, directory: string): ProviderConfig {
  const { clientSecretFile: file, ...rest } = provider
  return file === undefined ? rest : { ...rest, clientSecret: readSecretFile(file, directory) }
}

function settleService(name: string, service: ParsedService, directory: string): StaticService {
  const { url, urls, weight, version, ...rest } = service
  const addresses = urls ?? (url ? [{ url, weight: undefined, version: undefined }] : [])
  const instances: StaticInstance[] = addresses.map((address) => ({
    ...address.url,
    weight: address.weight ?? weight,
    version: address.version ?? version,
  }))
  const { ca, ...tls } = rest.tls
  return { ...rest, name, instances, tls: ca === undefined ? tls : { ...tls, ca: readPem(ca, directory) } }
}

/** Certificates as PEM text: `ca` is that, or the path of a file. Throws when the file can't be read. */
export function readPem(ca: string, directory: string): string {
  return ca.includes('-----BEGIN ') ? ca : readFileSync(resolve(directory, ca), 'utf8')
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) deepFreeze(inner)
  }
  return value
}
