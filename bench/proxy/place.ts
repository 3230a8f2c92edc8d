/**
 * Where a proxy finds everything when it is started: the service behind it, a folder for its files, whether
 * visitors come over TLS.
 *
 * @module
 */
import { type AddressInfo, createServer } from 'node:net'

export interface Place {
  /** Port of the service at 127.0.0.1. */
  readonly backendPort: number
  /** Empty folder, thrown away afterwards. */
  readonly folder: string
  /** Where the access log goes. */
  readonly logFile: string
  /** Files with certificate and key; present when visitors come over TLS and HTTP/2. */
  readonly tls?: TlsFiles | undefined
}

export interface TlsFiles {
  readonly cert: string
  readonly key: string
  /** Both in one file, as HAProxy wants them. */
  readonly both: string
}

/** A proxy that serves. */
export interface Running {
  readonly pid: number
  readonly port: number
  end(): Promise<void>
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
