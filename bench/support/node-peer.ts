/**
 * Peers that are programs for Node.
 *
 * @module
 */
import { closeSync, openSync } from 'node:fs'
import { startChild } from './child.ts'
import type { Place, Running } from './place.ts'

/** Starts a program that says its port first, and writes its log to stdout. */
export async function startNode(program: URL, args: readonly string[], { logFile }: Place): Promise<Running> {
  const stdout = openSync(logFile, 'a')
  try {
    const { pid, ready, end } = await startChild<{ port: number }>(program, args, { stdout })
    return { pids: [pid], port: ready.port, end }
  } finally {
    closeSync(stdout)
  }
}
