/**
 * Our gateway as a process that is measured.
 *
 * @module
 */
import { closeSync, existsSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ConfigInput } from '@hydra-gateway/gateway'
import { NODE_COMPILE_CACHE, startChild } from './child.ts'
import type { HydraReady } from './hydra-program.ts'
import type { Place, Running } from './place.ts'
import type { Profiled } from './profile.ts'

export const KEYS = {
  publicKey: 'bench'.padEnd(32, '0'),
  privateKey: 'bench-private'.padEnd(48, '0'),
} as const

/** Our gateway when it serves. */
export interface RunningHydra extends Running, Profiled {}

/** Starts a gateway on a free port. @param logLevel `info` writes a line for each request, `silent` nothing. */
export async function startHydra(
  { folder, logFile }: Place,
  config: ConfigInput,
  logLevel: 'info' | 'silent' = 'info',
): Promise<RunningHydra | { readonly refused: string }> {
  const isFirst = !existsSync(NODE_COMPILE_CACHE)
  const file = join(folder, 'hydra.json')
  writeFileSync(file, JSON.stringify({ port: 0, host: '127.0.0.1', keys: KEYS, ...config }))
  const stdout = openSync(logFile, 'a')
  try {
    const program = new URL('hydra-program.ts', import.meta.url)
    const { pid, ready, ask, end } = await startChild<HydraReady>(program, [file, logLevel], { stdout })
    if ('port' in ready && !isFirst) return { pid, pids: [pid], port: ready.port, ask, end }
    await end()
    // Only now is there compiled code to start with.
    return 'port' in ready ? startHydra({ folder, logFile }, config, logLevel) : ready
  } finally {
    closeSync(stdout)
  }
}
