/**
 * An access log for proxies that have none: one JSON line per request, written to stdout in pieces of 64 KB and
 * once a second.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http'

export interface LineLog {
  /** `startedAt` on the clock of `performance.now()`. */
  write(request: IncomingMessage, status: number, startedAt: number): void
}

const MOST_CHARACTERS = 64 * 1024

export function createLineLog(): LineLog {
  let lines = ''
  const flush = () => {
    if (lines !== '') process.stdout.write(lines)
    lines = ''
  }
  setInterval(flush, 1000).unref()
  return {
    write(request, status, startedAt) {
      const ms = (performance.now() - startedAt).toFixed(3)
      lines += `{"time":${Date.now()},"client":"${request.socket.remoteAddress}","method":"${request.method}","path":${JSON.stringify(request.url)},"status":${status},"durationMs":${ms}}\n`
      if (lines.length > MOST_CHARACTERS) flush()
    },
  }
}
