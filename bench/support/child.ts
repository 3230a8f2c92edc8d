/**
 * Programs of the bench as processes of their own: told what to do by messages, ended by their id. They also
 * end by themselves when the bench is gone.
 *
 * @module
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Child<Ready> {
  readonly pid: number
  /** The first message it sent. */
  readonly ready: Ready
  /** Sends a message and resolves with the answer; one question at a time. */
  ask<Answer>(question: string | object): Promise<Answer>
  /** Ends it and resolves when it is gone. Ending it twice does nothing. */
  end(): Promise<void>
}

export interface ChildOptions {
  /** Open file its standard output goes to. @default nowhere */
  readonly stdout?: number
}

const START_MS = 30_000
/** Removed by whoever cleans the temporary folder; the next bench is glad of it. */
export const NODE_COMPILE_CACHE: string = join(tmpdir(), 'hydra-bench-compiled')

/** Starts a program and waits for its first message; rejects when it ends, or says nothing for 30 s. */
export async function startChild<Ready>(
  program: URL,
  args: readonly string[] = [],
  { stdout }: ChildOptions = {},
): Promise<Child<Ready>> {
  const child = fork(program, args, {
    execArgv: ['--conditions=hydra-source'],
    stdio: ['ignore', stdout ?? 'ignore', 'inherit', 'ipc'],
    // Compiled code is kept from one start to the next, as `hydra start` does it: without, the compiler of types stays
    // in the memory that is measured.
    env: { NODE_COMPILE_CACHE, ...process.env, NODE_ENV: 'production' },
  })
  const gone = once(child, 'exit')
  const nextMessage = async <Message>(): Promise<Message> => {
    const silence = AbortSignal.timeout(START_MS)
    const ended = gone.then(([code, signal]) => {
      throw new Error(`${program.pathname} ended with ${code ?? signal}`)
    })
    const [message] = await Promise.race([once(child, 'message', { signal: silence }), ended])
    return message
  }
  const end = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await gone
  }
  try {
    const ready = await nextMessage<Ready>()
    return {
      pid: child.pid!,
      ready,
      ask(question) {
        const answer = nextMessage<never>()
        child.send(question)
        return answer
      },
      end,
    }
  } catch (error) {
    await end()
    throw error
  }
}
