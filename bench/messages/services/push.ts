/**
 * Many pushes, some at a time.
 *
 * @module
 */
import { nowMs, type Pushed, type PushJob } from '../job.ts'

/** Takes pushes as jobs: `one` sends a message to one client, `all` to all of a job. */
export function listenForPushes(
  atOnce: number,
  one: (id: string, job: PushJob) => Promise<unknown>,
  all?: (job: PushJob) => Promise<unknown>,
): void {
  const push = async (job: PushJob): Promise<Pushed> => {
    const startedMs = nowMs()
    if (job.isToAll && all) {
      await all(job)
      return { startedMs }
    }
    let at = 0
    const lane = async (): Promise<void> => {
      while (at < job.ids.length) await one(job.ids[at++]!, job)
    }
    await Promise.all(Array.from({ length: atOnce }, lane))
    return { startedMs }
  }
  process.on('message', (job: PushJob | string) => {
    if (typeof job === 'string') return
    push(job).then(
      (pushed) => process.send!(pushed),
      (error: Error) => process.send!({ error: error.message }),
    )
  })
  process.on('disconnect', () => process.exit())
}
