/**
 * The process: reads the configuration, starts a gateway, stops it on a signal. With `takeover.ts`, the process that
 * looks after this one, and `worker-main.ts`, that of a worker, the only file that speaks for a process.
 *
 * People are spoken to on standard error; standard output carries the log and nothing else: JSON lines, or
 * readable ones at a terminal.
 *
 * @module
 */
import { fstatSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { relative, resolve } from 'node:path'
import { type ConfigFlags, type LoadedConfig, loadConfig } from './config/load.ts'
import { ConfigError } from './config/problems.ts'
import { HydraError } from './errors.ts'
import { createGateway, type Gateway } from './gateway.ts'
import { createKeys, KEYS_FILE } from './keys.ts'
import { databasesHere } from './lifecycle/databases.ts'
import {
  checkGivenSockets,
  type GivenSockets,
  LISTEN_VARIABLES,
  readGivenSockets,
} from './lifecycle/given-sockets.ts'
import { giveBackLoading, shapeHeap } from './lifecycle/heap.ts'
import { type ParentLine, readToGateway, SUPERVISED } from './lifecycle/parent-line.ts'
import { createSuccession } from './lifecycle/succession.ts'
import { DOOR_FILE, knock } from './lifecycle/takeover-door.ts'
import { systemClock } from './observe/clock.ts'
import { createLineFile } from './observe/line-file.ts'
import { createLog, type Log } from './observe/log.ts'
import type { Store } from './store/store.ts'
import { readableLog } from './terminal/log-lines.ts'
import { formatProblems } from './terminal/problems.ts'
import { formatStart, formatStartFailure } from './terminal/start.ts'
import { createStyle, type Style } from './terminal/style.ts'
import { type OpenedCertificates, openCertificates } from './tls/open.ts'
import { SELF_SIGNED_DIRECTORY } from './tls/self-signed.ts'
import { openStore } from './wiring/open-store.ts'
import { workerCount } from './wiring/primary.ts'

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

export { giveBackLoading, shapeHeap }

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

  const parent = lineToParent()
  let loaded: LoadedConfig
  let sockets: GivenSockets
  try {
    sockets = takeSockets(parent !== undefined)
    loaded = await loadConfig({ directory: process.cwd(), file, env: process.env, flags })
    checkGivenSockets(sockets, loaded.config)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    say(formatProblems(error, style, { consequence: 'Nothing was started.' }))
    parent?.say({ hydra: 'failed', reason: error.message })
    return 1
  }
  const { config } = loaded
  const { log, flush } = openLog(config.logLevel, styleOf(process.stdout))
  surviveAccidents(log, flush)

  const signals = listenForSignals()
  // From now on: a parent that is gone before this one serves is gone all the same.
  const told = toldByParent(parent)
  let gateway: Gateway
  let patienceMs = 0
  /** Again with each configuration that is read: it may be refused, but whoever waits too long for a stop ends nothing. */
  const sayReady = ({
    http: { stopDelay, stopGrace },
    cluster: { spread },
  }: LoadedConfig['config']): void => {
    patienceMs = Math.max(patienceMs, stopDelay + stopGrace + spread)
    parent?.say({ hydra: 'ready', url: gateway.url, version: VERSION, patienceMs })
  }
  let opened: OpenedCertificates | undefined
  let store: Store | undefined
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
    store = await openStore(config, { privateKeys: keys.privateKeys, clock: systemClock, log })
    const succession =
      parent && createSuccession({ parent, store, leaseMs: config.lease.ttl, clock: systemClock, log })
    await succession?.inherit()
    // Node loads what these take once one of them is named, some 50 ms long: not while whoever registers waits.
    void globalThis.Response
    giveBackLoading()
    // Workers are started by the gateway itself (`wiring/primary.ts`), which has the sockets.
    gateway = await createGateway(config, {
      keys,
      clock: systemClock,
      log,
      store,
      sockets,
      logStyle: { colour, ascii },
      async readConfig() {
        const read = await loadConfig({ directory: process.cwd(), file, env: process.env, flags })
        sayReady(read.config)
        return read
      },
      ...(certificates ? { certificates } : {}),
    })
    const signIn = { ...gateway.signIn, ...databasesHere(config) }
    const names = { file: loaded.file, routerFile: loaded.routerFile }
    const facts = { version: VERSION, gateway, signIn, config, keys, keysFile: KEYS_FILE, ...names }
    const { selfSigned } = opened ?? {}
    const warnings = [...loaded.warnings, ...(certificates?.warnings ?? [])]
    say(
      formatStart(
        {
          ...facts,
          warnings,
          sharedStore: store.isShared ? store.place : undefined,
          isStoreAway: !store.reach.isReachable,
          workers: workerCount(config) > 1 ? workerCount(config) : undefined,
          hasGivenPorts: Object.keys(sockets).length > 0,
          selfSigned: selfSigned && { ...selfSigned, cert: relative('', selfSigned.cert) },
        },
        style,
      ),
    )
    reloadOnHangup(gateway, log)
    sayReady(config)
    // It would keep a process alive that is done.
    process.channel?.unref()
  } catch (error) {
    opened?.certificates.close()
    await store?.close()
    parent?.say({ hydra: 'failed', reason: (error as Error).message })
    const { code } = error as NodeJS.ErrnoException
    const isLookedAfter = code === 'EADDRINUSE' && !parent && (await isLookedAfterHere())
    const sentence = formatStartFailure(error, config, style, { isLookedAfter })
    if (sentence) say(sentence)
    else log.fatal({ err: error }, 'could not start')
    return leave(1)
  }

  const isReplaced = await Promise.race([signals.first, told])
  say(isReplaced ? '' : `\n  ${stopping(config.http.stopGrace)}\n`)
  try {
    await gateway.close({ isReplaced })
    opened?.certificates.close()
    await store.close()
    if (!isReplaced) say('  Stopped.\n')
    return leave(0)
  } catch (error) {
    log.error({ err: error }, 'could not stop in order')
    return leave(1)
  }
}

/** Whether `hydra start --takeover` runs in this directory: who may not ask it, or finds it broken, has not met it. */
async function isLookedAfterHere(): Promise<boolean> {
  const visit = await knock(DOOR_FILE, process.getuid?.()).catch(() => undefined)
  visit?.leave()
  return visit?.current !== undefined
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

/** SIGHUP asks for configuration and certificates to be read again; from a terminal it says that the terminal is gone. */
function reloadOnHangup(gateway: Pick<Gateway, 'reload'>, log: Log): void {
  if (process.stdin.isTTY) return
  process.on('SIGHUP', () => {
    gateway.reload().catch((error) => {
      // What is wrong with a configuration was logged with its reasons.
      if (!(error instanceof HydraError)) log.error({ err: error }, 'could not read the configuration again')
    })
  })
}

/** Resolves with false: nobody takes our place. */
function listenForSignals(): { first: Promise<false> } {
  const { promise, resolve: arrived } = Promise.withResolvers<false>()
  let firstAt: number | undefined
  for (const [signal, number] of [
    ['SIGTERM', 15],
    ['SIGINT', 2],
  ] as const) {
    process.on(signal, () => {
      firstAt ??= performance.now()
      // 128 + signal number, as shells say it
      if (performance.now() - firstAt > ECHO_MS) process.exit(128 + number)
      arrived(false)
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

/** Sockets that were handed to this process; the variables that say so are of no use to those it starts. */
function takeSockets(isSupervised: boolean): GivenSockets {
  const isBetween = isSupervised || process.env.HYDRA_SECOND_NODE !== undefined
  const sockets = readGivenSockets({
    env: process.env,
    pid: process.pid,
    between: isBetween ? process.ppid : undefined,
    isSocket(fd) {
      try {
        return fstatSync(fd).isSocket()
      } catch {
        return false
      }
    },
  })
  for (const name of LISTEN_VARIABLES) delete process.env[name]
  return sockets
}

/** The process of `hydra start --takeover`, when it started this one. */
function lineToParent(): ParentLine | undefined {
  const isSupervised = process.env[SUPERVISED] !== undefined
  delete process.env[SUPERVISED]
  if (!isSupervised || !process.send) return undefined
  return {
    say: (message) => void (process.connected && process.send!(message, () => {})),
    onMessage: (listener) =>
      void process.on('message', (raw) => {
        const message = readToGateway(raw)
        if (message) listener(message)
      }),
    onGone: (listener) => void process.on('disconnect', listener),
  }
}

/** Resolves with true when another one serves at our ports; with false when nobody looks after us any more. */
function toldByParent(parent: ParentLine | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    parent?.onMessage(({ hydra }) => hydra === 'leave' && resolve(true))
    parent?.onGone(() => resolve(false))
    if (parent && !process.connected) resolve(false)
  })
}
