/**
 * Where the time of this process goes, when asked by a message: `begin`, then `end` with the profile as answer.
 * Start and warm-up are not in it. And what its memory is without garbage: `collect`.
 *
 * @module
 */
import { type Profiler, Session } from 'node:inspector/promises'

/** Time between two samples, µs. */
const INTERVAL = 200

/** Answers `begin` and `collect` with `{}`, and `end` with the profile. */
export function listenForProfiler(): void {
  const session = new Session()
  const answers: Readonly<Record<string, () => Promise<object>>> = {
    async begin() {
      session.connect()
      await session.post('Profiler.enable')
      await session.post('Profiler.setSamplingInterval', { interval: INTERVAL })
      await session.post('Profiler.start')
      return {}
    },
    async end() {
      const { profile } = await session.post('Profiler.stop')
      session.disconnect()
      return profile
    },
    async collect() {
      session.connect()
      // The first one leaves behind what was only weakly held.
      for (let i = 0; i < 2; i++) await session.post('HeapProfiler.collectGarbage')
      session.disconnect()
      return {}
    },
  }
  process.on('message', async (question: string) => {
    const answer = answers[question]
    // Others may be asked something by messages as well.
    if (answer) process.send!(await answer())
  })
}

export type Profile = Profiler.Profile
