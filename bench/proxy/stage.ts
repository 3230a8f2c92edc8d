/**
 * What every load needs around the proxies: a folder, the service, the client, the certificate. Whatever was
 * opened on a stage is ended with it, the last one first.
 *
 * @module
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TLS_CERT, TLS_KEY } from '../../packages/gateway/src/proxy/testing/certificate.ts'
import { startChild } from '../support/child.ts'
import type { Job, Seen } from './clients/job.ts'
import type { Place, TlsFiles } from './place.ts'
import { type Cores, pin } from './processes.ts'

export interface Stage {
  /** A place for one more proxy. */
  place(name: string): Place
  /** Runs a load; rejects when an answer was wrong or missing. */
  send(job: Job): Promise<Seen>
  /** Ends this as well, before what was opened earlier. */
  later(end: () => unknown): void
  end(): Promise<void>
}

export async function openStage({
  cores,
  tls,
}: {
  readonly cores: Cores | undefined
  readonly tls: boolean
}): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'hydra-bench-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  // Also when the bench ends early.
  process.once('exit', remove)
  const ends: (() => unknown)[] = [() => process.off('exit', remove), remove]
  const end = async () => {
    for (const each of ends.splice(0).reverse()) await each()
  }
  try {
    const files = tls ? writeCertificate(folder) : undefined
    const backend = await startChild<{ port: number }>(new URL('backend.ts', import.meta.url))
    ends.push(backend.end)
    pin(backend.pid, cores?.others)
    const client = await startChild(new URL('clients/client.ts', import.meta.url))
    ends.push(client.end)
    pin(client.pid, cores?.others)
    return {
      place(name) {
        const own = join(folder, name.replace(/\W+/g, '-'))
        mkdirSync(own)
        return { backendPort: backend.ready.port, folder: own, logFile: join(own, 'log'), tls: files }
      },
      async send(job) {
        const answer = await client.ask<Seen | { error: string }>(job)
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

function writeCertificate(folder: string): TlsFiles {
  const files = {
    cert: join(folder, 'cert.pem'),
    key: join(folder, 'key.pem'),
    both: join(folder, 'both.pem'),
  }
  writeFileSync(files.cert, TLS_CERT)
  writeFileSync(files.key, TLS_KEY, { mode: 0o600 })
  writeFileSync(files.both, TLS_CERT + TLS_KEY, { mode: 0o600 })
  return files
}
