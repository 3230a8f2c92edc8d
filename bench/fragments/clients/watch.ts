/**
 * Single pages, one after the other, and when their head and their last byte arrive. Times are those of the monotonic
 * clock of the machine, which all its processes share.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises'
import { browserHead } from '../../support/clients/browser.ts'
import { dial } from '../../support/clients/http.ts'
import type { WatchJob } from './client.ts'
import { createPageReader } from './page-reader.ts'

export interface Sample {
  /** The number in its query. */
  readonly id: number
  readonly sentMs: number
  /** The last byte of the page's head, not that of HTTP. */
  readonly headMs: number
  readonly endMs: number
}

/** Between the first pages of two visitors: they shall not be served at the same moment. */
const APART_MS = 37
const PATIENCE_MS = 10_000

const now = () => Number(process.hrtime.bigint()) / 1e6

export async function watchPages(job: WatchJob): Promise<Sample[]> {
  const all = await Promise.all(Array.from({ length: job.visitors }, (_, visitor) => visit(job, visitor)))
  return all.flat()
}

async function visit(
  { port, path, expected, headBytes, count }: WatchJob,
  visitor: number,
): Promise<Sample[]> {
  await delay(visitor * APART_MS)
  return new Promise((resolve, reject) => {
    const reader = createPageReader(Buffer.from(expected))
    const samples: Sample[] = []
    let id = 0
    let sentMs = 0
    let headMs = 0
    const late = setTimeout(() => fail(new Error('a slow page did not come')), PATIENCE_MS)
    const fail = (error: Error) => {
      clearTimeout(late)
      socket.destroy()
      reject(error)
    }
    const next = () => {
      if (samples.length === count) {
        clearTimeout(late)
        socket.end()
        return resolve(samples)
      }
      id = visitor * count + samples.length
      headMs = 0
      const request = browserHead(`GET ${path}?n=${id} HTTP/1.1`, { takesCompressed: false })
      sentMs = now()
      socket.write(request)
    }
    const socket = dial(port, undefined, next, fail, (bytes) => {
      const isWhole = reader.read(bytes)
      const endMs = now()
      if (headMs === 0 && reader.received >= headBytes) headMs = endMs
      if (!isWhole) return
      samples.push({ id, sentMs, headMs, endMs })
      next()
    })
  })
}
