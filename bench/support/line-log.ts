/**
 * An access log for proxies that have none: one JSON line per request, written to stdout in pieces of 64 KB and
 * once a second.
 *
 * @module
 */
export interface LineLog {
  write(line: Line): void
}

/** What a line tells of a request. */
export interface Line {
  /** Address of the visitor; a request whose body went on has no socket any more at its end. */
  readonly client: string | undefined
  readonly method: string | undefined
  readonly path: string | undefined
  readonly status: number
  /** On the clock of `performance.now()`. */
  readonly startedAt: number
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
    write({ client, method, path, status, startedAt }) {
      const ms = (performance.now() - startedAt).toFixed(3)
      lines += `{"time":${Date.now()},"client":"${client}","method":"${method}","path":${JSON.stringify(path)},"status":${status},"durationMs":${ms}}\n`
      if (lines.length > MOST_CHARACTERS) flush()
    },
  }
}
