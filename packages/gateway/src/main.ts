/**
 * The process: reads the configuration, starts a gateway, stops it on a signal. The only file that touches
 * `process`.
 *
 * People are spoken to on standard error; standard output carries the log and nothing else: JSON lines, or
 * readable ones at a terminal.
 *
 * @module
 */
import { existsSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { type ConfigFlags, type LoadedConfig, loadConfig } from './config/load.ts'
import { ConfigError } from './config/problems.ts'
import { type Config, hasIdentity, IDENTITY_DATABASE } from './config.ts'
import { createGateway, type Gateway } from './gateway.ts'
import { createKeys, KEYS_FILE } from './keys.ts'
import { systemClock } from './observe/clock.ts'
import { createLineFile } from './observe/line-file.ts'
import { createLog, type Log } from './observe/log.ts'
import { createMemoryIdentityStore } from './store/identity/memory.ts'
import type { IdentityStore } from './store/identity/port.ts'
import { openSqliteIdentityStore } from './store/identity/sqlite.ts'
import { readableLog } from './terminal/log-lines.ts'
import { formatProblems } from './terminal/problems.ts'
import { formatStart, formatStartFailure } from './terminal/start.ts'
import { createStyle, type Style } from './terminal/style.ts'
import { type OpenedCertificates, openCertificates } from './tls/open.ts'
import { SELF_SIGNED_DIRECTORY } from './tls/self-signed.ts'

export interface RunOptions {
  /** Configuration file; otherwise one is looked for in the working directory. */
  readonly file?: string | undefined
  readonly flags?: ConfigFlags
  /** False for `--no-color`. */
  readonly colour?: boolean
  /** True for `--ascii`. */
  readonly ascii?: boolean
}

/** Version of this package, as in its manifest. */
export const VERSION: string = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
).version

/** Of the young generation: what pages and requests leave behind is collected often enough, and cheaply, with this. */
const YOUNG_BYTES = 16 * 1024 * 1024
const LOOK_MS = 250

/**
 * Lets the young generation of the heap grow as load asks for it, up to a size. Requests leave nothing behind, so a
 * larger one would only be more memory to walk through; a smaller one is collected before what is in it has ended. The
 * command holds it at its first size until then: while code is loaded, it would grow by what nobody needs afterwards.
 */
export function shapeHeap(): void {
  let mayGrow: boolean | undefined
  const look = (): void => {
    const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')
    const isSmall = young === undefined || young.space_size < YOUNG_BYTES
    if (isSmall === mayGrow) return
    mayGrow = isSmall
    setFlagsFromString(`--semi-space-growth-factor=${isSmall ? 2 : 1}`)
  }
  look()
  // It shrinks while there is little to do, and has to grow again.
  setInterval(look, LOOK_MS).unref()
}

/** How long what is left may take to be written after everything was closed. */
const LAST_WORDS_MS = 1000

/**
 * One Ctrl+C may arrive twice: a terminal sends it to every process of the group, and those in front of us (npm,
 * our own `bin.mjs`) pass theirs on. People are slower.
 */
const ECHO_MS = 250

/**
 * Runs a gateway until it is told to stop, by SIGTERM or SIGINT; a second signal ends it at once. Resolves with
 * the exit status once it is stopped: 0, or 1 when it could not start or stop.
 */
export async function runGateway({ file, flags, colour, ascii }: RunOptions = {}): Promise<number> {
  shapeHeap()
  const styleOf = (stream: NodeJS.WriteStream) =>
    createStyle({
      isTerminal: stream.isTTY === true,
      columns: stream.columns,
      env: process.env,
      colour,
      ascii,
    })
  const style = styleOf(process.stderr)
  const say = (text: string) => void process.stderr.write(text)

  let loaded: LoadedConfig
  try {
    loaded = await loadConfig({ directory: process.cwd(), file, env: process.env, flags })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    say(formatProblems(error, style, 'Nothing was started.'))
    return 1
  }
  const { config } = loaded
  const { log, flush } = openLog(config.logLevel, styleOf(process.stdout))
  surviveAccidents(log, flush)

  const signals = listenForSignals()
  let gateway: Gateway
  let opened: OpenedCertificates | undefined
  let identityStore: IdentityStore | undefined
  try {
    const keysFile = resolve(KEYS_FILE)
    const keys = await createKeys({ given: config.keys, file: keysFile })
    opened =
      config.tls &&
      (await openCertificates({
        tls: config.tls,
        directory: resolve(SELF_SIGNED_DIRECTORY),
        hostname: hostname(),
        log,
        clock: systemClock,
      }))
    const certificates = opened?.certificates
    identityStore = await openIdentityStore(config)
    gateway = await createGateway(config, {
      keys,
      clock: systemClock,
      log,
      identityStore,
      ...(certificates ? { certificates } : {}),
    })
    const signIn = { ...gateway.signIn, ...databasesHere(config) }
    const facts = { version: VERSION, gateway, signIn, config, keys, keysFile: KEYS_FILE, file: loaded.file }
    const { selfSigned } = opened ?? {}
    const warnings = [...loaded.warnings, ...(certificates?.warnings ?? [])]
    say(
      formatStart(
        {
          ...facts,
          warnings,
          selfSigned: selfSigned && { ...selfSigned, cert: relative('', selfSigned.cert) },
        },
        style,
      ),
    )
    reloadOnHangup(certificates, log)
  } catch (error) {
    opened?.certificates.close()
    await identityStore?.close()
    const sentence = formatStartFailure(error, config, style)
    if (sentence) say(sentence)
    else log.fatal({ err: error }, 'could not start')
    return leave(1)
  }

  await signals.first
  say(`\n  ${stopping(config.http.stopGrace)}\n`)
  try {
    await gateway.close()
    opened?.certificates.close()
    await identityStore.close()
    say('  Stopped.\n')
    return leave(0)
  } catch (error) {
    log.error({ err: error }, 'could not stop in order')
    return leave(1)
  }
}

/** The database: where it was asked for, or at its usual place when it is there or somebody signs in. */
async function openIdentityStore(config: Config): Promise<IdentityStore> {
  const { database } = config.identity
  const file = resolve(database || IDENTITY_DATABASE)
  const isWanted = database !== false && (hasIdentity(config) || existsSync(file))
  return isWanted ? openSqliteIdentityStore(file) : createMemoryIdentityStore()
}

/** Where `hydra users` keeps users in this directory, and the database somebody may have meant instead. */
function databasesHere({ identity: { database } }: Config): { usual: string; above: string | undefined } {
  const usual = resolve(database || IDENTITY_DATABASE)
  const above: string[] = []
  for (let at = resolve('..'); database === undefined; at = dirname(at)) {
    above.push(join(at, IDENTITY_DATABASE))
    if (at === dirname(at)) break
  }
  return { usual, above: existsSync(usual) ? undefined : above.find((file) => existsSync(file)) }
}

function stopping(graceMs: number): string {
  const grace = graceMs < 1000 ? `${graceMs} ms` : `${Math.round(graceMs / 1000)} s`
  return `Stopping. Running requests have ${grace} to finish; Ctrl+C again stops at once.`
}

/** JSON lines, written together; at a terminal readable ones, each at once. */
function openLog(level: string, style: Style): { log: Log; flush: () => void } {
  const destination = process.stdout.isTTY
    ? readableLog((text) => process.stdout.write(text), style)
    : createLineFile(1)
  const log = createLog(level, destination)
  // Lines are kept back for a moment to be written together; whatever ends the process, they are written.
  process.on('exit', log.flushSync)
  return { log, flush: log.flushSync }
}

/**
 * After an exception nobody caught, nothing is known about the state of the process: it is logged whole and the
 * process ends, to be started again by whatever looks after it. A rejection nobody waited for concerns one
 * request or one service: it is logged whole, counted, and the others go on being served.
 */
function surviveAccidents(log: Log, flush: () => void): void {
  let rejections = 0
  process.on('unhandledRejection', (reason) => {
    rejections++
    log.fatal({ err: reason, rejections }, 'a rejection was not handled; this is a bug of the gateway')
  })
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'an exception was not caught; this is a bug of the gateway, which ends here')
    try {
      flush()
    } finally {
      process.exit(1)
    }
  })
}

/** SIGHUP asks for the certificates to be read again; from a terminal it says that the terminal is gone. */
function reloadOnHangup(certificates: OpenedCertificates['certificates'] | undefined, log: Log): void {
  if (!certificates || process.stdin.isTTY) return
  process.on('SIGHUP', () => {
    if (certificates.reload()) log.info('certificates read again')
  })
}

function listenForSignals(): { first: Promise<void> } {
  const { promise, resolve: arrived } = Promise.withResolvers<void>()
  let firstAt: number | undefined
  for (const [signal, number] of [
    ['SIGTERM', 15],
    ['SIGINT', 2],
  ] as const) {
    process.on(signal, () => {
      firstAt ??= performance.now()
      // 128 + signal number, as shells say it
      if (performance.now() - firstAt > ECHO_MS) process.exit(128 + number)
      arrived()
    })
  }
  return { first: promise }
}

/** Lets what is being written arrive, and then ends even if something is left open. */
function leave(status: number): number {
  process.exitCode = status
  setTimeout(() => process.exit(status), LAST_WORDS_MS).unref()
  return status
}
