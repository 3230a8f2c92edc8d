/**
 * A service of the soak of messages: pushes numbered messages to every client it is told of, each after it knows what
 * became of the one before, and answers what clients ask. What it does is written down before and after, in a file that
 * outlives a SIGKILL.
 *
 *     TAG push CLIENT NUMBER       it is about to be sent
 *     TAG taken CLIENT NUMBER      the gateway has taken it; without this line nobody knows
 *     TAG asked CLIENT NUMBER      a client's question came to its handler
 *
 * @module
 */
import { once } from 'node:events'
import { openSync, writeSync } from 'node:fs'
import { createServer } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { connect, type HydraService, MessageError } from '@hydra-gateway/sdk'

/** What the service says. */
export type PusherNews =
  | { readonly what: 'ready' }
  /** Every client was sent its last message. */
  | { readonly what: 'finished' }
  | { readonly what: 'refusals'; readonly faults: Readonly<Record<string, number>> }

export type PusherOrder =
  /** Where clients are from now on: their names, and the ids they have. */
  | { readonly what: 'clients'; readonly ids: readonly (readonly [client: string, id: string])[] }
  /** Sends each a last message, until it is taken, and nothing more. */
  | { readonly what: 'finish' }

const { NAME = '', TAG = '', GATEWAYS = '', LEDGER = '', EVERY_MS = '1000' } = process.env
const everyMs = Number(EVERY_MS)
/** Text in some of them, so that bytes are a limit as well as counts. */
const BULK = 'x'.repeat(4000)

const ledger = openSync(LEDGER, 'a')
const write = (what: 'push' | 'taken' | 'asked', client: string, number: number): void =>
  void writeSync(ledger, `${TAG} ${what} ${client} ${number}\n`)
const tell = (news: PusherNews): void => void process.send?.(news)

const ids = new Map<string, string>()
const numbers = new Map<string, number>()
const faults: Record<string, number> = {}
let isFinishing = false

const server = createServer((_request, response) => void response.end(NAME)).listen(0, '127.0.0.1')
await once(server, 'listening')
const service: HydraService = await connect({
  name: NAME,
  server,
  gateway: GATEWAYS.split(','),
  routes: [`/${NAME}`],
  maxMessages: 512,
  messages: {
    ask({ body }) {
      write('asked', body.client, body.number)
      return { number: body.number, instance: TAG }
    },
  },
  log: process.env.VERBOSE ? console : false,
})

async function push(client: string, isLast = false): Promise<boolean> {
  const number = (numbers.get(client) ?? 0) + 1
  numbers.set(client, number)
  const text = number % 8 === 0 ? BULK : undefined
  write('push', client, number)
  try {
    await service.push(
      ids.get(client)!,
      { tag: TAG, number, isLast, text },
      { type: 'numbered', timeoutMs: 3000 },
    )
    write('taken', client, number)
    return true
  } catch (error) {
    const fault = error instanceof MessageError ? error.fault : String(error)
    faults[fault] = (faults[fault] ?? 0) + 1
    return false
  }
}

async function pushOn(client: string): Promise<void> {
  await delay(Math.random() * everyMs)
  while (!isFinishing) {
    await push(client)
    await delay(everyMs * (0.5 + Math.random()))
  }
  while (!(await push(client, true))) await delay(200)
}

const running: Promise<void>[] = []
process.on('message', (order: PusherOrder) => {
  if (order.what === 'clients') {
    for (const [client, id] of order.ids) {
      const isNew = !ids.has(client)
      ids.set(client, id)
      if (isNew) running.push(pushOn(client))
    }
    return
  }
  isFinishing = true
  void Promise.all(running).then(() => {
    tell({ what: 'refusals', faults })
    tell({ what: 'finished' })
  })
})
process.on('disconnect', () => process.exit())
await service.ready
tell({ what: 'ready' })
