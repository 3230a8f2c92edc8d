/**
 * A load as a process of its own: told what to do by messages, answers with what it saw.
 *
 * @module
 */
import { getRequest, PATHS, uploadRequest } from '../request.ts'
import { type Asked, askKept, askOnce } from './http.ts'
import type { Job, Seen } from './job.ts'
import { sendMessages } from './websocket.ts'

const CLIENTS: Readonly<Record<string, (job: Job) => Promise<Asked>>> = {
  get: (job) => askKept(job, getRequest(PATHS.page)),
  post: (job) => askKept(job, uploadRequest()),
  big: (job) => askKept(job, getRequest(PATHS.big)),
  connect: (job) => askOnce(job, getRequest(PATHS.page)),
  websocket: sendMessages,
}

process.on('message', async (job: Job) => {
  try {
    process.send!(summary(await CLIENTS[job.load]!(job)))
  } catch (error) {
    process.send!({ error: error instanceof Error ? error.message : String(error) })
  }
})
process.on('disconnect', () => process.exit())
process.send!({})

function summary({ tookMs, seconds }: Asked): Seen {
  const sorted = Float64Array.from(tookMs).sort()
  const rank = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? 0
  return { requests: sorted.length, seconds, p50Ms: rank(0.5), p99Ms: rank(0.99) }
}
