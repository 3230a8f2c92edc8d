/**
 * The cluster demo at a terminal: a table that is redrawn in place, and a key for everything that can be killed.
 *
 * @module
 */
import type { ReadStream, WriteStream } from 'node:tty'
import type { Style } from '@hydra-gateway/gateway/terminal'
import { formatCount } from '../live/screen.ts'
import { type LiveTable, showTable } from '../live/table.ts'
import { takeTerminal } from '../live/terminal.ts'
import { type Cluster, type ClusterEvent, KEYS, openCluster } from './cluster.ts'
import { renderScreen } from './screen.ts'

export interface LiveOptions {
  readonly port: number
  readonly backAfterMs: number
  /** Asked at each drawing: a terminal changes its size. */
  styleNow(): Style
  readonly signal: AbortSignal
  readonly stdin: ReadStream
  readonly stdout: WriteStream
}

const MOST_EVENTS = 200

/** Resolves with the exit status. */
export async function runLive(options: LiveOptions): Promise<number> {
  const { port, backAfterMs, styleNow, stdin, stdout } = options
  stdout.write(
    `${styleNow().mark}${styleNow().bold('hydra demo:cluster')} starts Redis, two gateways and six services ...\n`,
  )
  const events: ClusterEvent[] = []
  const cluster = await openCluster({
    port,
    backAfterMs,
    onEvent(event) {
      events.push(event)
      if (events.length > MOST_EVENTS) events.shift()
    },
  })
  const restore = takeTerminal(stdin, stdout)
  try {
    await watch(cluster, events, options)
  } finally {
    restore()
    stdout.write('  Stopping everything.\n')
    await cluster.stop()
  }
  const { answered, failed, askedAgain } = cluster.visits
  const { said, lost } = cluster.talk
  stdout.write(
    `  Stopped. ${formatCount(answered)} pages answered, ${formatCount(failed)} failed, ${formatCount(askedAgain)} asked for again; of ${formatCount(said)} lines in the chat ${formatCount(lost)} lost.\n`,
  )
  return 0
}

/** Draws and obeys until `q`, Ctrl+C or a signal. */
async function watch(
  cluster: Cluster,
  events: readonly ClusterEvent[],
  { styleNow, signal, stdin, stdout }: LiveOptions,
): Promise<void> {
  const done = Promise.withResolvers<void>()
  const table: LiveTable = {
    stdin,
    stdout,
    signal,
    lines: () =>
      renderScreen(
        {
          url: cluster.url,
          nodesCommand: cluster.nodesCommand,
          rows: cluster.rows(),
          events,
          counters: cluster.visits,
          talk: cluster.talk,
          height: stdout.rows,
        },
        styleNow(),
      ),
    onKey(key) {
      const victim = KEYS[key]
      if (victim)
        cluster.kill(victim).catch((fault: Error) => cluster.say({ name: victim, text: fault.message }))
      // Ctrl+C and Ctrl+D: at a terminal that gives keys one by one they are keys.
      else if ('q\u0003\u0004'.includes(key)) done.resolve()
    },
    refresh: () => cluster.refresh(),
    leave: () => done.resolve(),
  }
  await showTable(table, done.promise)
}
