/**
 * Where a program under test finds everything when it is started, and what it is when it runs.
 *
 * @module
 */
import { type AddressInfo, createServer } from 'node:net'

export interface Place {
  /** Empty folder, thrown away afterwards. */
  readonly folder: string
  /** Where the access log goes. */
  readonly logFile: string
}

/** What serves. */
export interface Running {
  /** The processes whose CPU and memory are counted, with their children. */
  readonly pids: readonly number[]
  readonly port: number
  end(): Promise<void>
}

/** Somebody who is measured. */
export interface Peer<P extends Place> {
  readonly name: string
  /** Program of the system it needs. */
  readonly program?: string
  /** Writes a log line for each request. */
  readonly hasLog?: boolean
  /** Resolves with what serves, or with why it can't do this. */
  start(place: P): Promise<Running | { readonly refused: string }>
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
