/**
 * The cluster demo without a terminal: one line for each event and the counters now and then. Lines of the input kill:
 * `kill node a`, `kill redis`, `kill orders`; `quit` ends it.
 *
 * @module
 */
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { HOW_TO_SIGN_IN } from '../shop/people.ts'
import { type Cluster, type ClusterEvent, KEYS, openCluster } from './cluster.ts'

export interface PlainOptions {
  readonly port: number
  readonly backAfterMs: number
  write(text: string): void
  readonly input: Readable
  readonly signal: AbortSignal
}

const REFRESH_MS = 250
const COUNT_MS = 10_000

/** Resolves with the exit status. */
export async function runPlain({ port, backAfterMs, write, input, signal }: PlainOptions): Promise<number> {
  const cluster = await openCluster({
    port,
    backAfterMs,
    onEvent: (event) => write(`${plainLine(event)}\n`),
  })
  const quit = Promise.withResolvers<void>()
  const lines = createInterface({ input })
  lines.on('line', (line) => obey(line.trim(), cluster, quit.resolve))
  const timers = [
    setInterval(() => void cluster.refresh().catch(() => {}), REFRESH_MS),
    setInterval(() => cluster.say({ text: counted(cluster) }), COUNT_MS),
  ]
  try {
    cluster.say({ text: `the shop is at ${cluster.url}; Ctrl+C or kill ${process.pid} stops it` })
    cluster.say({ text: HOW_TO_SIGN_IN })
    cluster.say({ text: `to see the nodes elsewhere: ${cluster.nodesCommand}` })
    cluster.say({ text: 'say kill node a, kill node b, kill redis, or kill and a service; or quit' })
    await Promise.race([signal.aborted ? undefined : once(signal, 'abort'), quit.promise])
    cluster.say({ text: counted(cluster) })
  } finally {
    for (const timer of timers) clearInterval(timer)
    lines.close()
    input.destroy()
    await cluster.stop()
  }
  return 0
}

function obey(line: string, cluster: Cluster, quit: () => void): void {
  const name = Object.values(KEYS).find((victim) => line === `kill ${victim}`)
  if (line === 'quit') quit()
  else if (name) cluster.kill(name).catch((fault: Error) => cluster.say({ name, text: fault.message }))
  else if (line !== '')
    cluster.say({ text: `say kill and one of ${Object.values(KEYS).join(', ')}; or quit` })
}

const counted = ({ visits: { answered, failed, askedAgain }, talk: { said, lost } }: Cluster): string =>
  `answered ${answered}, failed ${failed}, asked again ${askedAgain}; chat ${said} lines, lost ${lost}`

/** `2026-11-20T14:03:27.412Z down node b kill -9 4711` */
function plainLine({ at, state, name, text }: ClusterEvent): string {
  return [new Date(at).toISOString(), state, name, text].filter((part) => part !== undefined).join(' ')
}
