/**
 * Visitors who arrive at a steady rate, whatever becomes of those before them: each opens a connection of its own and
 * asks once.
 *
 * @module
 */
import { connect } from 'node:net'

export interface Arrivals {
  asked: number
  /** Answered with 200, whole. */
  served: number
  refused: number
  reset: number
  /** The connection ended without an answer. */
  empty: number
  /** Answers with another status, by that, the code of the problem, and the path. */
  failed: Record<string, number>
  late: number
  /** Longest wait for an answer, ms. */
  slowestMs: number
}

/** How long an answer may take. */
const PATIENCE_MS = 10_000

export function arrivals({
  port,
  perSecond,
  paths = ['/'],
}: {
  readonly port: number
  readonly perSecond: number
  /** Asked for in turn. */
  readonly paths?: readonly string[]
}): { readonly counts: Arrivals; stop(): Promise<Arrivals> } {
  const counts: Arrivals = {
    asked: 0,
    served: 0,
    refused: 0,
    reset: 0,
    empty: 0,
    failed: {},
    late: 0,
    slowestMs: 0,
  }
  const running = new Set<Promise<void>>()

  const visit = (path: string): Promise<void> =>
    new Promise((resolve) => {
      const from = performance.now()
      let text = ''
      const socket = connect({ port, host: '127.0.0.1', noDelay: true })
      const patience = setTimeout(() => {
        counts.late++
        finish()
      }, PATIENCE_MS)
      const finish = (): void => {
        clearTimeout(patience)
        socket.removeAllListeners().on('error', () => {})
        socket.destroy()
        resolve()
      }
      socket.setEncoding('latin1')
      socket.on('connect', () =>
        socket.write(`GET ${path} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n`),
      )
      socket.on('data', (more: string) => {
        text += more
      })
      socket.on('error', ({ code }: NodeJS.ErrnoException) => {
        if (code === 'ECONNREFUSED') counts.refused++
        else counts.reset++
        finish()
      })
      socket.on('end', () => {
        const [code = ''] = /HYDRA_\w+/.exec(text) ?? []
        const status = text.slice(9, 12)
        if (text === '') counts.empty++
        else if (status === '200') counts.served++
        else {
          const how = `${status} ${code} ${path}`
          counts.failed[how] = (counts.failed[how] ?? 0) + 1
        }
        counts.slowestMs = Math.max(counts.slowestMs, Math.round(performance.now() - from))
        finish()
      })
    })

  const from = performance.now()
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - from) * perSecond) / 1000)
    while (counts.asked < due) {
      const one = visit(paths[counts.asked++ % paths.length]!)
      running.add(one)
      void one.then(() => running.delete(one))
    }
  }, 2)
  return {
    counts,
    async stop() {
      clearInterval(timer)
      await Promise.all(running)
      return counts
    },
  }
}
