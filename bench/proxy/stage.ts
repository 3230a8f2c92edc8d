/**
 * What every load needs around the proxies: the service behind them, the client, the certificate.
 *
 * @module
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TLS_CERT, TLS_KEY } from '../../packages/gateway/src/proxy/testing/certificate.ts'
import type { Place } from '../support/place.ts'
import type { Cores } from '../support/processes.ts'
import { openStage, type Stage } from '../support/stage.ts'

/** Where a proxy finds everything. */
export interface ProxyPlace extends Place {
  /** Port of the service at 127.0.0.1. */
  readonly backendPort: number
  /** Files with certificate and key; present when visitors come over TLS and HTTP/2. */
  readonly tls?: TlsFiles | undefined
}

export interface TlsFiles {
  readonly cert: string
  readonly key: string
  /** Both in one file, as HAProxy wants them. */
  readonly both: string
}

export interface ProxyStage extends Pick<Stage<unknown>, 'send' | 'later' | 'end'> {
  place(name: string): ProxyPlace
}

export async function openProxyStage({
  cores,
  tls,
}: {
  readonly cores: Cores | undefined
  readonly tls: boolean
}): Promise<ProxyStage> {
  const stage = await openStage<{ port: number }>({
    cores,
    backend: new URL('backend.ts', import.meta.url),
    client: new URL('clients/client.ts', import.meta.url),
  })
  const files = tls ? writeCertificate(stage.folder) : undefined
  const backendPort = stage.backend.ready.port
  return { ...stage, place: (name) => ({ ...stage.place(name), backendPort, tls: files }) }
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
