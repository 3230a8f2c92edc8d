/**
 * The process of a worker: is told by the primary what to be, and ends when that tells it to, or is gone.
 *
 * @module
 */
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { giveBackLoading, shapeHeap, YOUNG_BYTES_OF_WORKER } from './lifecycle/heap.ts'
import type { Log } from './observe/log.ts'
import type { Certificates } from './tls/certificates.ts'
import type { GatewayWorker } from './wiring/worker.ts'
import type { FromWorker, ToWorker, Update, WorkerStart } from './workers/messages.ts'
import { LISTEN_FD } from './workers/process.ts'

let start: WorkerStart | undefined
let worker: Promise<GatewayWorker> | undefined
let certificates: Certificates | undefined
let isStopping = false

const send = (message: FromWorker): void => {
  if (process.connected) process.send!(message, () => {})
}

process.on('message', (message: ToWorker) => {
  switch (message.kind) {
    case 'start':
      start = message.start
      return
    case 'update':
      if (worker === undefined) {
        worker = begin(start!, message.update)
        worker.catch(fail)
      } else tell(message)
      if (message.update.config) start = { ...start!, config: message.update.config }
      return
    case 'reload':
      certificates?.reload()
      return
    case 'drain':
      stop(() => worker!.then((its) => its.heard(message)))
      return
    default:
      tell(message)
  }
})

// Who tells us to stop is gone: what runs is finished, and nobody is left behind.
process.on('disconnect', () => {
  const { stopGrace, stopIdle } = start?.config.http ?? { stopGrace: 0, stopIdle: 0 }
  stop(async () => (await worker)?.close({ graceMs: stopGrace, idleMs: stopIdle, spreadMs: 0 }))
})

// A terminal, and whoever ends a group of processes, tells all of them; the primary tells us.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

function tell(message: Exclude<ToWorker, { kind: 'start' | 'reload' }>): void {
  worker!.then((its) => its.heard(message)).catch(fail)
}

function stop(close: () => Promise<unknown>): void {
  if (isStopping) return
  isStopping = true
  close().then(
    () => process.exit(0),
    () => process.exit(1),
  )
}

/** Says why, and ends. */
function fail(error: NodeJS.ErrnoException): void {
  if (isStopping) return
  isStopping = true
  const failed: FromWorker = { kind: 'failed', message: error.message, code: error.code }
  if (process.connected) process.send!(failed, () => process.exit(1))
  else process.exit(1)
}

async function begin(facts: WorkerStart, first: Update): Promise<GatewayWorker> {
  shapeHeap(YOUNG_BYTES_OF_WORKER)
  const { systemClock: clock } = await import('./observe/clock.ts')
  const log = await openLog(facts)
  surviveAccidents(log)
  const { config } = facts
  if (config.tls) {
    const { openCertificates } = await import('./tls/open.ts')
    const { SELF_SIGNED_DIRECTORY } = await import('./tls/self-signed.ts')
    const directory = resolve(SELF_SIGNED_DIRECTORY)
    const opened = await openCertificates({ tls: config.tls, directory, hostname: hostname(), log, clock })
    certificates = opened.certificates
  }
  const { createWorker } = await import('./wiring/worker.ts')
  const ports = { fd: LISTEN_FD, certificates, send, clock, log, rssBytes: process.memoryUsage.rss }
  const made = await createWorker(facts, first, ports)
  giveBackLoading()
  return made
}

/** To where the primary's goes: the same descriptor, whole lines at a time. */
async function openLog({ config, logStyle }: WorkerStart): Promise<Log> {
  const { createLog } = await import('./observe/log.ts')
  const { createLineFile } = await import('./observe/line-file.ts')
  let log: Log
  if (process.stdout.isTTY) {
    const { readableLog } = await import('./terminal/log-lines.ts')
    const { createStyle } = await import('./terminal/style.ts')
    const { columns } = process.stdout
    const style = createStyle({ isTerminal: true, columns, env: process.env, ...logStyle })
    log = createLog(
      config.logLevel,
      readableLog((text) => process.stdout.write(text), style),
    )
  } else log = createLog(config.logLevel, createLineFile(1, { isShared: true }))
  process.on('exit', log.flushSync)
  return log
}

/** As in the primary. */
function surviveAccidents(log: Log): void {
  let rejections = 0
  process.on('unhandledRejection', (reason) => {
    rejections++
    log.fatal({ err: reason, rejections }, 'a rejection was not handled; this is a bug of the gateway')
  })
  process.on('uncaughtException', (error) => {
    log.fatal(
      { err: error },
      'an exception was not caught; this is a bug of the gateway, whose worker ends here',
    )
    process.exit(1)
  })
}
