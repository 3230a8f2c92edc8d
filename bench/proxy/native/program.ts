/**
 * Proxies that are programs of the system: found on PATH, started in the foreground with a file of
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
import type { Place, Running } from '../place.ts'

const START_MS = 10_000
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
}

/** Starts a program that serves at `port` and waits until it takes connections. */
export async function startProgram(
  program: string,
  args: readonly string[],
  port: number,
  { folder, logFile }: Place,
  { env = {}, logsToStdout = false }: ProgramOptions = {},
): Promise<Running> {
  const stderr = openSync(join(folder, 'stderr'), 'w')
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
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await gone
  }
  try {
    const ended = gone.then(([code, signal]) => {
      const said = readFileSync(join(folder, 'stderr'), 'utf8').trimEnd().split('\n').slice(-2).join(' ')
      throw new Error(`${program} ended with ${code ?? signal}: ${said}`)
    })
    await Promise.race([takesConnections(port), ended])
    return { pid: child.pid!, port, end }
  } catch (error) {
    await end()
    throw error
  }
}

async function takesConnections(port: number): Promise<void> {
  const until = performance.now() + START_MS
  while (!(await canConnect(port))) {
    if (performance.now() > until) throw new Error(`nobody listens at port ${port}`)
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
