/**
 * HTTP/2 over TLS with nghttp2's `h2load`: several streams on each connection. It counts what arrived whole.
 *
 * @module
 */
import { execFile } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { browserLines } from '../../support/clients/browser.ts'
import type { Seen } from '../../support/clients/job.ts'
import { PAGE_BYTES, PATHS, TLS_NAME } from '../request.ts'

const run = promisify(execFile)

/** Requests under way on one connection. */
export const STREAMS = 4

export interface H2Job {
  readonly port: number
  readonly connections: number
  readonly requests: number
  /** For its list of times. */
  readonly folder: string
  /** Cores it may use. */
  readonly cores: string | undefined
}

/** Rejects when not every request was answered with 200 and the whole body. */
export async function askOverH2({ port, connections, requests, folder, cores }: H2Job): Promise<Seen> {
  const log = join(folder, 'h2load.tsv')
  const args = ['-n', String(requests), '-c', String(connections), '-m', String(STREAMS), `--log-file=${log}`]
  for (const line of browserLines()) args.push('-H', line)
  args.push(`--connect-to=127.0.0.1:${port}`, `https://${TLS_NAME}:${port}${PATHS.page}`)
  const command = cores === undefined ? ['h2load', ...args] : ['taskset', '-c', cores, 'h2load', ...args]
  try {
    const { stdout } = await run(command[0]!, command.slice(1), { timeout: 60_000 })
    const seconds = secondsOf(/finished in ([\d.]+)(us|ms|s|m)/.exec(stdout))
    const succeeded = Number(/(\d+) 2xx/.exec(stdout)?.[1])
    const bytes = Number(/\((\d+)\) data/.exec(stdout)?.[1])
    if (succeeded !== requests || bytes !== requests * PAGE_BYTES || !stdout.includes('protocol: h2')) {
      throw new Error(`${succeeded} of ${requests} answers were whole over HTTP/2`)
    }
    const tookMs = readFileSync(log, 'latin1')
      .trimEnd()
      .split('\n')
      .map((line) => Number(line.split('\t')[2]) / 1000)
      .sort((a, b) => a - b)
    const rank = (share: number) => tookMs[Math.ceil(share * tookMs.length) - 1] ?? 0
    return { requests, seconds, p50Ms: rank(0.5), p99Ms: rank(0.99) }
  } finally {
    rmSync(log, { force: true })
  }
}

function secondsOf(match: RegExpExecArray | null): number {
  const units = { us: 1e-6, ms: 1e-3, s: 1, m: 60 }
  return Number(match?.[1]) * (units[match?.[2] as keyof typeof units] ?? Number.NaN)
}
