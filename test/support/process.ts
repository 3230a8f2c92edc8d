/**
 * Real child processes for tests, ended by their id when the test ends.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { tied } from './tied.ts'

export interface TestProcess {
  readonly pid: number
  readonly child: ChildProcess
  /** Everything it printed so far, both streams. */
  output(): string
  /** Resolves with the first match in what it prints; rejects when it ends before or after `withinMs`. */
  printed(pattern: RegExp, withinMs?: number): Promise<RegExpExecArray>
  /** Sends a signal and waits until the process is gone; resolves with its exit code or signal. */
  kill(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals>
  readonly exited: Promise<number | NodeJS.Signals>
}

export interface ProcessOptions {
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** @default this process's node, with sources */
  readonly command?: string
}

/** Starts a program of this repository with the node that runs the test. */
export function startProcess(t: Pick<TestContext, 'after'>, options: ProcessOptions): TestProcess {
  const { args, env = {}, cwd, command = process.execPath } = options
  const flags = command === process.execPath ? ['--conditions=hydra-source'] : []
  const child = spawn(...tied(command, [...flags, ...args]), {
    cwd,
    env: { ...process.env, NODE_TEST_CONTEXT: '', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let text = ''
  const waiting = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk) => {
      text += chunk
      for (const look of waiting) look()
    })
  }
  const exited = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals)
  const kill = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    return exited
  }
  t.after(() => kill('SIGKILL'))
  return {
    pid: child.pid!,
    child,
    output: () => text,
    exited,
    kill,
    printed(pattern, withinMs = 15_000) {
      return new Promise((resolve, reject) => {
        const done = (settle: () => void): void => {
          waiting.delete(look)
          clearTimeout(timer)
          settle()
        }
        const look = (): void => {
          const match = pattern.exec(text)
          if (match) done(() => resolve(match))
        }
        const timer = setTimeout(
          () => done(() => reject(new Error(`did not print ${pattern}; it printed:\n${text}`))),
          withinMs,
        )
        void exited.then((how) =>
          done(() =>
            reject(new Error(`ended with ${how} before it printed ${pattern}; it printed:\n${text}`)),
          ),
        )
        waiting.add(look)
        look()
      })
    },
  }
}
