/**
 * The visitors as a process of their own: told what to do by messages, answers with what they saw.
 *
 * @module
 */
import { browserHead } from '../../support/clients/browser.ts'
import { askKept, summary } from '../../support/clients/http.ts'
import type { Job, Seen } from '../../support/clients/job.ts'
import { createPageReader } from './page-reader.ts'
import { watchPages } from './watch.ts'

/** Asks for one page, as often as it can; every one has to be `expected`. */
export interface PagesJob extends Job {
  readonly what: 'pages'
  readonly path: string
  readonly expected: string
}

/** Asks for single pages and looks when what of them arrives. */
export interface WatchJob {
  readonly what: 'watch'
  readonly port: number
  readonly path: string
  readonly expected: string
  /** Which bytes are the first that count: up to here, the page's head. */
  readonly headBytes: number
  /** Pages by each of so many visitors. */
  readonly count: number
  readonly visitors: number
}

process.on('message', async (job: PagesJob | WatchJob) => {
  try {
    process.send!(job.what === 'pages' ? await askForPages(job) : { samples: await watchPages(job) })
  } catch (error) {
    process.send!({ error: error instanceof Error ? error.message : String(error) })
  }
})
process.on('disconnect', () => process.exit())
process.send!({})

/** Nobody here compresses: it would cost everybody the same, and hide the rest. */
async function askForPages({ path, expected, ...job }: PagesJob): Promise<Seen> {
  const page = Buffer.from(expected)
  const request = browserHead(`GET ${path} HTTP/1.1`, { takesCompressed: false })
  return summary(await askKept(job, request, () => createPageReader(page)))
}
