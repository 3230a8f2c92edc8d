/**
 * Who is measured: our gateway and what others use, each one process on one core with one worker.
 *
 * @module
 */
import { closeSync, existsSync, openSync } from 'node:fs'
import { NODE_COMPILE_CACHE, startChild } from '../support/child.ts'
import { startCaddy } from './native/caddy.ts'
import { startHaproxy } from './native/haproxy.ts'
import { startNginx } from './native/nginx.ts'
import { findProgram } from './native/program.ts'
import type { HydraReady } from './peers/hydra.ts'
import type { Place, Running } from './place.ts'

export interface Peer {
  readonly name: string
  /** Program of the system it needs. */
  readonly program?: string
  /** It can take HTTP/2 over TLS. */
  readonly hasTls?: boolean
  /** Writes a log line for each request. */
  readonly hasLog?: boolean
  /** Resolves with what serves, or with why it can't do this. */
  start(place: Place): Promise<Running | { readonly refused: string }>
}

export const OURS = 'hydra'

export const PEERS: readonly Peer[] = [
  { name: OURS, hasTls: true, hasLog: true, start: (place) => startHydra(place) },
  { name: 'nginx', program: 'nginx', hasTls: true, hasLog: true, start: startNginx },
  { name: 'HAProxy', program: 'haproxy', hasTls: true, hasLog: true, start: startHaproxy },
  { name: 'Caddy', program: 'caddy', hasTls: true, hasLog: true, start: startCaddy },
  { name: 'http-proxy-3', hasLog: true, start: (place) => startNode('http-proxy-3', place) },
  { name: '@fastify/http-proxy', hasLog: true, start: (place) => startNode('fastify', place) },
]

/** Programs that are not installed, of those the peers and the loads need: each is a Debian package of that name. */
export function missingPrograms(peers: readonly Peer[]): readonly string[] {
  return peers.flatMap(({ program }) => (program && !findProgram(program) ? [program] : []))
}

/** Our gateway when it serves; it can be asked for a profile, see `peers/profiler.ts`. */
export interface RunningHydra extends Running {
  ask<Answer>(question: string): Promise<Answer>
}

/** Starts our gateway. @param logLevel `info` writes a line for each request, `silent` nothing. */
export async function startHydra(
  { backendPort, logFile, tls }: Pick<Place, 'backendPort' | 'logFile' | 'tls'>,
  logLevel: 'info' | 'silent' = 'info',
): Promise<RunningHydra | { readonly refused: string }> {
  const isFirst = !existsSync(NODE_COMPILE_CACHE)
  const stdout = openSync(logFile, 'a')
  try {
    const args = [String(backendPort), logLevel, ...(tls ? [tls.cert, tls.key] : [])]
    const program = new URL('peers/hydra.ts', import.meta.url)
    const { pid, ready, ask, end } = await startChild<HydraReady>(program, args, { stdout })
    if ('port' in ready && !isFirst) return { pid, port: ready.port, ask, end }
    await end()
    // Only now is there compiled code to start with.
    return 'port' in ready ? startHydra({ backendPort, logFile, tls }, logLevel) : ready
  } finally {
    closeSync(stdout)
  }
}

async function startNode(name: string, { backendPort, logFile }: Place): Promise<Running> {
  const stdout = openSync(logFile, 'a')
  try {
    const program = new URL(`peers/${name}.ts`, import.meta.url)
    const { pid, ready, end } = await startChild<{ port: number }>(program, [String(backendPort)], { stdout })
    return { pid, port: ready.port, end }
  } finally {
    closeSync(stdout)
  }
}
