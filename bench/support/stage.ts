/**
 * What every comparison needs around those it compares: a folder, the services behind them, the client. Whatever was
 * opened on a stage is ended with it, the last one first.
 *
 * @module
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Child, startChild } from './child.ts'
import type { Place } from './place.ts'
import { type Cores, pin } from './processes.ts'

export interface Stage<Ready> {
  readonly folder: string
  readonly backend: Child<Ready>
  /** A place for one more. */
  place(name: string): Place
  /** Tells the client what to do; rejects when an answer was wrong or missing. */
  send<Seen>(job: object): Promise<Seen>
  /** Ends this as well, before what was opened earlier. */
  later(end: () => unknown): void
  end(): Promise<void>
}

export interface StageOptions {
  readonly cores: Cores | undefined
  /** Programs: the services, and the load. */
  readonly backend: URL
  readonly client: URL
}

export async function openStage<Ready>({ cores, ...programs }: StageOptions): Promise<Stage<Ready>> {
  const folder = mkdtempSync(join(tmpdir(), 'hydra-bench-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  // Also when the bench ends early.
  process.once('exit', remove)
  const ends: (() => unknown)[] = [() => process.off('exit', remove), remove]
  const end = async () => {
    for (const each of ends.splice(0).reverse()) await each()
  }
  try {
    const backend = await startChild<Ready>(programs.backend)
    ends.push(backend.end)
    pin([backend.pid], cores?.others)
    const client = await startChild(programs.client)
    ends.push(client.end)
    pin([client.pid], cores?.others)
    return {
      folder,
      backend,
      place(name) {
        const own = join(folder, name.replace(/\W+/g, '-'))
        mkdirSync(own)
        return { folder: own, logFile: join(own, 'log') }
      },
      async send<Seen>(job: object) {
        const answer = await client.ask<(Seen & object) | { error: string }>(job)
        if ('error' in answer) throw new Error(answer.error)
        return answer
      },
      later: (each) => void ends.push(each),
      end,
    }
  } catch (error) {
    await end()
    throw error
  }
}
