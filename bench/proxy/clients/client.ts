/**
 * A load as a process of its own: told what to do by messages, answers with what it saw.
 *
 * @module
 */
import { type Asked, askKept, askOnce, summary } from '../../support/clients/http.ts'
import type { LoadJob } from '../loads.ts'
import { getRequest, PATHS, uploadRequest } from '../request.ts'
import { createFillReader } from './fill-reader.ts'
import { sendMessages } from './websocket.ts'

const CLIENTS: Readonly<Record<string, (job: LoadJob) => Promise<Asked>>> = {
  get: (job) => askKept(job, getRequest(PATHS.page, job.cookies), createFillReader),
  post: (job) => askKept(job, uploadRequest(), createFillReader),
  big: (job) => askKept(job, getRequest(PATHS.big), createFillReader),
  connect: (job) => askOnce(job, getRequest(PATHS.page), createFillReader),
  websocket: sendMessages,
}

process.on('message', async (job: LoadJob) => {
  try {
    process.send!(summary(await CLIENTS[job.load]!(job)))
  } catch (error) {
    process.send!({ error: error instanceof Error ? error.message : String(error) })
  }
})
process.on('disconnect', () => process.exit())
process.send!({})
