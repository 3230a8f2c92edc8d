/**
 * Child processes that end with this one: on a leash while it lives, killed at its exit.
 *
 * They are sessions of their own, so that Ctrl+C at the terminal reaches the demo alone, which then stops them in
 * order.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface Child {
  readonly pid: number
  isAlive(): boolean
  kill(signal: NodeJS.Signals): void
  /** SIGTERM, and SIGKILL when it takes longer. Resolves when it is gone. */
  stop(withinMs: number): Promise<void>
  /** Resolves with its exit status or signal. */
  readonly exited: Promise<number | NodeJS.Signals>
}

export interface ChildOptions {
  /** A program of this repository. */
  readonly file: string
  readonly args?: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** What it prints, by stream. */
  onLine?(line: string, stream: 'out' | 'err'): void
  /** What it says over IPC. */
  onMessage?(message: unknown): void
}

const LEASH = new URL('leash.ts', import.meta.url).href
const alive = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})

/** Starts a program with the Node that runs this, from source. Settings of the caller's own gateway stay out. */
export function startChild({ file, args = [], cwd, env, onLine, onMessage }: ChildOptions): Child {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('HYDRA_') && name !== 'PORT' && name !== 'NODE_TEST_CONTEXT',
  )
  const child = spawn(
    process.execPath,
    ['--conditions=hydra-source', '--import', LEASH, fileURLToPath(new URL(file, import.meta.url)), ...args],
    {
      cwd,
      env: { ...Object.fromEntries(inherited), ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
    },
  )
  alive.add(child)
  const exited = once(child, 'exit').then(([code, signal]) => {
    alive.delete(child)
    return (code ?? signal) as number | NodeJS.Signals
  })
  for (const [name, stream] of [
    ['out', child.stdout],
    ['err', child.stderr],
  ] as const) {
    createInterface({ input: stream! }).on('line', (line) => onLine?.(line, name))
  }
  child.on('message', (message) => onMessage?.(message))
  const isAlive = (): boolean => alive.has(child)
  return {
    pid: child.pid!,
    isAlive,
    exited,
    kill: (signal) => void child.kill(signal),
    async stop(withinMs) {
      if (!isAlive()) return
      child.kill('SIGTERM')
      const patience = setTimeout(() => child.kill('SIGKILL'), withinMs)
      await exited
      clearTimeout(patience)
    },
  }
}
