/**
 * One worker process: started with the flags of this one, the socket it takes connections from, and a channel.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FromWorker, ToWorker } from './messages.ts'

export interface WorkerProcess {
  readonly pid: number | undefined
  /** False when it can't be told any more. */
  send(message: ToWorker): boolean
  onMessage(listener: (message: FromWorker) => void): void
  /** Once: it has ended, or could not be started. */
  onExit(listener: (how: string) => void): void
  kill(signal: NodeJS.Signals): void
}

/** Where the listening socket is in a worker: behind its standard streams and its channel. */
export const LISTEN_FD = 4

/** Flags that are about one process, and not about how code is found and run. */
const OWN_FLAGS = /^--(?:inspect|test|watch|eval|print|check|prof|cpu-prof|heap-prof)|^-[epc]$/

/** Starts one. `socket` is the descriptor of the listening socket here. */
export function startWorkerProcess(socket: number): WorkerProcess {
  const isSource = import.meta.url.endsWith('.ts')
  const entry = fileURLToPath(new URL(isSource ? '../worker-main.ts' : '../worker-main.js', import.meta.url))
  const flags = process.execArgv.filter((flag) => !OWN_FLAGS.test(flag))
  // Sources run sources, whoever found them: the command in a checkout has no flag for it.
  if (isSource && !flags.some((flag) => flag.includes('hydra-source')))
    flags.push('--conditions=hydra-source')
  // While code is loaded the heap would grow by what nobody needs afterwards; the worker lets it grow (`shapeHeap`).
  const isHeld = '--semi-space-growth-factor=1'
  if (!flags.includes(isHeld)) flags.push(isHeld)
  const child = spawn(process.execPath, [...flags, entry], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', socket],
    serialization: 'advanced',
    // The compiler's threads leave behind what they had at their most, one arena each (glibc).
    env: { MALLOC_ARENA_MAX: '1', ...compileCache(), ...process.env },
  })
  return wrap(child)
}

/** Code that is compiled already, where this process has some: a worker starts in half the time then, with 15 MB less. */
function compileCache(): Readonly<Record<string, string>> {
  const directory = getCompileCacheDir()
  // Each version of Node, and each set of flags, has a folder of its own in there.
  return directory === undefined ? {} : { NODE_COMPILE_CACHE: dirname(directory) }
}

function wrap(child: ChildProcess): WorkerProcess {
  let how: string | undefined
  const exits: ((how: string) => void)[] = []
  const ended = (reason: string): void => {
    if (how !== undefined) return
    how = reason
    for (const listener of exits) listener(reason)
  }
  // A channel that breaks while something is sent: the process is gone, and its end is on its way.
  child.on('error', (error) => {
    if (child.pid === undefined) ended(error.message)
  })
  child.on('exit', (code, signal) => ended(signal ?? `status ${code}`))
  return {
    pid: child.pid,
    send(message) {
      if (!child.connected) return false
      child.send(message, () => {})
      return true
    },
    onMessage: (listener) => void child.on('message', (message) => listener(message as FromWorker)),
    onExit(listener) {
      if (how === undefined) exits.push(listener)
      else listener(how)
    },
    kill: (signal) => void child.kill(signal),
  }
}
