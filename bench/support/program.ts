/**
 * Peers that are programs of the system: found on PATH, started in the foreground with a file of
 * configuration, ended by their id.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, closeSync, constants, openSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Place, Running } from './place.ts'

const START_MS = 10_000
/** Until a program that was asked to end is ended. */
const END_MS = 3000
const running = new Set<ChildProcess>()
// A bench that ends early leaves nobody behind.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Path of a program, or undefined when it is not installed. Debian keeps servers where only root looks. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>
  /** Standard output is the access log. @default it is thrown away */
  readonly logsToStdout?: boolean
  /** A program with children of its own ends them at this one. @default SIGKILL */
  readonly endsBy?: NodeJS.Signals
}

/** A program that runs. */
export interface Started {
  readonly pid: number
  end(): Promise<void>
}

/** Starts a program that serves at `port` and waits until it takes connections. */
export async function startProgram(
  program: string,
  args: readonly string[],
  port: number,
  place: Place,
  options: ProgramOptions = {},
): Promise<Running> {
  const { pid, end } = await runProgram(program, args, () => canConnect(port), place, options)
  return { pids: [pid], port, end }
}

/** Starts a program and waits until it is ready. */
export async function runProgram(
  program: string,
  args: readonly string[],
  isReady: () => boolean | Promise<boolean>,
  { folder, logFile }: Place,
  { env = {}, logsToStdout = false, endsBy = 'SIGKILL' }: ProgramOptions = {},
): Promise<Started> {
  const said = join(folder, `${program}.stderr`)
  const stderr = openSync(said, 'w')
  const stdout = logsToStdout ? openSync(logFile, 'a') : 'ignore'
  const child = spawn(findProgram(program) ?? program, args, {
    cwd: folder,
    stdio: ['ignore', stdout, stderr],
    env: { ...process.env, ...env },
  })
  running.add(child)
  closeSync(stderr)
  if (typeof stdout === 'number') closeSync(stdout)
  const gone = once(child, 'exit').finally(() => running.delete(child))
  const end = async () => {
    const kill = (signal: NodeJS.Signals) => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    }
    kill(endsBy)
    const late = setTimeout(kill, END_MS, 'SIGKILL')
    await gone
    clearTimeout(late)
  }
  try {
    const ended = gone.then(([code, signal]) => {
      const last = readFileSync(said, 'utf8').trimEnd().split('\n').slice(-2).join(' ')
      throw new Error(`${program} ended with ${code ?? signal}: ${last}`)
    })
    await Promise.race([until(isReady, program), ended])
    return { pid: child.pid!, end }
  } catch (error) {
    await end()
    throw error
  }
}

async function until(isReady: () => boolean | Promise<boolean>, program: string): Promise<void> {
  const end = performance.now() + START_MS
  while (!(await isReady())) {
    if (performance.now() > end) throw new Error(`${program} did not start within ${START_MS / 1000} s`)
    await delay(20)
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}
