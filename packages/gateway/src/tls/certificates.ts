/**
 * The certificates a gateway shows: several at once, told apart by the name a visitor asks for, and replaced
 * without a stop when their files change.
 *
 * New handshakes get the new certificate; connections that are open stay as they are. A pair that can't be used
 * replaces nothing.
 *
 * @module
 */
import { statSync } from 'node:fs'
import type { SecureContext, Server } from 'node:tls'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import { type ByName, indexByName } from './names.ts'
import { isPem, type Pair, type PairSource, readPair, TLS_RULES } from './pair.ts'

export interface CertificatesDeps {
  /** At least one; the first is shown to whoever asks for no name, or one that is on none of them. */
  readonly sources: readonly PairSource[]
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>
  readonly clock: Pick<Clock, 'now' | 'every'>
  /** How often the files are looked at. @default 2000 */
  readonly checkMs?: number
}

export interface Certificates {
  /** What an operator should know at the start. */
  readonly warnings: readonly string[]
  readonly defaultContext: SecureContext
  secureContextFor(serverName: string): SecureContext
  /** Keeps a server's default certificate up to date. For `SNICallback` there is `secureContextFor`. */
  keepCurrent(server: Pick<Server, 'setSecureContext' | 'once'>): void
  /** Reads all files again, whether they changed or not. False when one could not be used. */
  reload(): boolean
  /** Stops looking at the files. */
  close(): void
}

/** When an expiry is worth a word, and how often. */
const SOON_MS = 14 * 24 * 3600 * 1000
const REMIND_MS = 24 * 3600 * 1000

interface Shown {
  readonly source: PairSource
  pair: Pair
  /** The files as they were when they were read last, and as they looked at the last check. */
  read: string
  seen: string
}

/** Reads all pairs. Throws TlsError when one can't be used: at the start nothing is to fall back on. */
export function createCertificates(deps: CertificatesDeps): Certificates {
  const { sources, log, clock, checkMs = 2000 } = deps
  const servers = new Set<Pick<Server, 'setSecureContext'>>()
  const shown: Shown[] = sources.map((source) => {
    const read = stampOf(source)
    return { source, pair: readPair(source), read, seen: read }
  })
  let byName = index()
  let remindedAt = clock.now()

  function index(): ByName<Pair> {
    return indexByName(shown.map(({ pair }) => [pair.names, pair] as const))
  }

  function replace(each: Shown): boolean {
    each.read = stampOf(each.source)
    each.seen = each.read
    let pair: Pair
    try {
      pair = readPair(each.source)
    } catch (error) {
      log.error(
        { cert: labelOf(each.source), err: error },
        'new certificate not taken: the present one is kept',
      )
      return false
    }
    if (
      pair.fingerprint === each.pair.fingerprint &&
      pair.key === each.pair.key &&
      pair.cert === each.pair.cert
    )
      return true
    each.pair = pair
    byName = index()
    if (each === shown[0]) for (const server of servers) server.setSecureContext(optionsOf(pair))
    const validTo = new Date(pair.validTo).toISOString()
    log.info({ cert: labelOf(each.source), names: pair.names, validTo }, 'certificate replaced')
    const warning = warningOf(each, clock.now())
    if (warning) log.warn({ cert: labelOf(each.source), validTo }, warning)
    return true
  }

  /** A file that is being written, or one of two that are exchanged, looks different at the next check: it waits. */
  function look(): void {
    for (const each of shown) {
      const stamp = stampOf(each.source)
      const isStill = stamp === each.seen
      each.seen = stamp
      if (stamp !== each.read && isStill) replace(each)
    }
    if (clock.now() - remindedAt < REMIND_MS) return
    remindedAt = clock.now()
    for (const each of shown) {
      const warning = warningOf(each, remindedAt)
      if (warning) log.warn({ cert: labelOf(each.source) }, warning)
    }
  }

  const stop = clock.every(checkMs, look)
  const first = () => shown[0]!.pair
  return {
    warnings: shown.flatMap((each) => warningOf(each, clock.now()) ?? []),
    get defaultContext() {
      return first().context
    },
    secureContextFor: (name) => (byName.find(name) ?? first()).context,
    keepCurrent(server) {
      servers.add(server)
      server.once('close', () => servers.delete(server))
      server.setSecureContext(optionsOf(first()))
    },
    reload: () => shown.map(replace).every(Boolean),
    close: stop,
  }
}

const optionsOf = ({ cert, key }: Pair) => ({ cert, key, ...TLS_RULES })

const labelOf = ({ cert }: PairSource): string => (isPem(cert) ? 'in the configuration' : cert)

function warningOf({ source, pair }: Shown, now: number): string | undefined {
  const name = isPem(source.cert) ? 'The certificate of the configuration' : `The certificate ${source.cert}`
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10)
  if (pair.validTo <= now) return `${name} expired on ${day(pair.validTo)}: browsers refuse it.`
  if (pair.validFrom > now) return `${name} is not valid before ${day(pair.validFrom)}: browsers refuse it.`
  if (pair.validTo - now < SOON_MS) return `${name} expires on ${day(pair.validTo)}.`
  return pair.names.length === 0 ? `${name} is for no name: browsers refuse it.` : undefined
}

/** Changes whenever a file does, or what a symbolic link leads to. */
function stampOf({ cert, key }: PairSource): string {
  return [cert, key].map(stampOfFile).join(' ')
}

function stampOfFile(path: string): string {
  if (isPem(path)) return 'text'
  try {
    const { mtimeMs, size, ino, dev } = statSync(path)
    return `${dev}:${ino}:${size}:${mtimeMs}`
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown'
  }
}
