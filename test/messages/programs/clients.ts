/**
 * The clients of the soak of messages, in a process of their own: most resume, with the SDK's own client; some speak the
 * classic protocol. They ask services, and note what they are handed. By chance they are cut, read nothing for a while, or
 * stay away.
 *
 * They find a node as behind a load balancer, which leaves out nodes that are not ready.
 *
 * @module
 */
import { writeFileSync } from 'node:fs'
import { CallError, type HydraSocket, openSocket, type WebSocketLike } from '@hydra-gateway/sdk/socket'
import { WebSocket } from 'ws'
import { chanceOf } from '../../support/chance.ts'
import type { Handed } from '../soak/model.ts'

export interface ClientsPlan {
  readonly urls: readonly string[]
  readonly resuming: number
  readonly classic: number
  readonly seed: number
  /** Of each client, from one question to the next. */
  readonly askEveryMs: number
  /** Of all clients together, from one that is cut, slow or away to the next. */
  readonly hurtEveryMs: number
  /** The longest a client stays away. */
  readonly awayMs: number
  /** Services that are asked in turn. */
  readonly services: readonly string[]
}

export type ClientsOrder =
  | { readonly what: 'start'; readonly plan: ClientsPlan }
  /** Some are hurt from now on. */
  | { readonly what: 'hurt' }
  /** Nobody is hurt or asks from now on; answered with `calm` when every socket is open. */
  | { readonly what: 'calm' }
  /** Waits for a last message of every sender, and writes what was handed over into a file. */
  | { readonly what: 'collect'; readonly senders: readonly string[]; readonly file: string }

export interface ClientsCounts {
  readonly open: number
  readonly handed: number
  readonly flags: number
  readonly cuts: number
  readonly asked: number
  readonly answered: number
  /** Questions that came to nothing, and were told so: by words of whom. */
  readonly failed: Readonly<Record<string, number>>
  /** Answers to another question than that which was asked. */
  readonly wrong: number
  readonly pending: number
  /** Times a client was back: with everything, and not. */
  readonly recovered: number
  readonly notRecovered: number
}

export type ClientsNews =
  | { readonly what: 'ids'; readonly ids: readonly (readonly [client: string, id: string])[] }
  | { readonly what: 'counts'; readonly counts: ClientsCounts }
  | { readonly what: 'calm' }
  | { readonly what: 'collected'; readonly late: readonly string[] }

/** What is written into the file. */
export interface Collected {
  readonly handed: Readonly<Record<string, readonly Handed[]>>
  /** Questions that were answered: `CLIENT NUMBER`. */
  readonly answered: readonly string[]
}

const tell = (news: ClientsNews): void => void process.send?.(news)
const sum = {
  ...{ handed: 0, flags: 0, cuts: 0, asked: 0, answered: 0, wrong: 0, pending: 0 },
  ...{ recovered: 0, notRecovered: 0 },
}
const failed: Record<string, number> = {}
const answered: string[] = []
let newIds: (readonly [string, string])[] = []
let isCalm = false

interface Client {
  readonly name: string
  readonly handed: Handed[]
  readonly lasts: Set<string>
  socket: WebSocket | undefined
  awayUntil: number
  isOpen(): boolean
}

const clients: Client[] = []
const plans: ClientsPlan[] = []

/** The nodes a load balancer would send somebody to. */
const ready = new Set<string>()

function pick(): string {
  const among = [...ready]
  if (among.length === 0) throw new Error('no node is ready')
  return among[Math.floor(Math.random() * among.length)]!
}

function watch(url: string): void {
  ready.add(url)
  const look = async (): Promise<void> => {
    const { ok } = await fetch(`${url}/_hydra/ready`, { signal: AbortSignal.timeout(1000) }).catch(() => ({
      ok: false,
    }))
    if (ok) ready.add(url)
    else ready.delete(url)
    setTimeout(look, 300)
  }
  void look()
}

/** The WebSocket of one client: it goes to a node of the balancer's choice, and is in our hands. */
function webSocketOf(client: Client): new (url: string) => WebSocketLike {
  return class extends WebSocket {
    constructor(_url: string) {
      if (performance.now() < client.awayUntil) throw new Error('stays away')
      super(`${pick().replace('http', 'ws')}/_hydra/socket`, { perMessageDeflate: false })
      this.on('error', () => {})
      client.socket = this
    }
  } as unknown as new (
    url: string,
  ) => WebSocketLike
}

function openClient(name: string): Client & { readonly hydra: HydraSocket } {
  const base = { name, handed: [] as Handed[], lasts: new Set<string>(), socket: undefined, awayUntil: 0 }
  const client = { ...base, isOpen: () => hydra.state === 'open' } as Client
  const hydra = openSocket('ws://127.0.0.1/', {
    WebSocket: webSocketOf(client),
    firstRetryMs: 200,
    maxRetryMs: 3000,
    ackEvery: 8,
    ackAfterMs: 1000,
    heartbeatMs: 4000,
  })
  const flag = (): void => {
    sum.flags++
    client.handed.push('flag')
  }
  hydra.on('recovered', (isWhole) => {
    if (isWhole === true) sum.recovered++
    else sum.notRecovered++
    if (isWhole !== true) flag()
  })
  hydra.on('lost', flag)
  hydra.on('ended', (reason) => {
    failed[`ended: ${reason}`] = (failed[`ended: ${reason}`] ?? 0) + 1
  })
  noteId(
    client,
    () => hydra.id,
    (run) => hydra.on('state', run),
  )
  hydra.onMessage('numbered', ({ body }) => hand(client, body))
  return Object.assign(client, { hydra })
}

function hand(
  client: Client,
  { tag, number, isLast }: { tag: string; number: number; isLast?: boolean },
): void {
  sum.handed++
  client.handed.push([tag, number])
  if (isLast) client.lasts.add(tag)
}

function noteId(
  { name }: Client,
  id: () => string | undefined,
  onChange: (run: () => void) => unknown,
): void {
  let known: string | undefined
  onChange(() => {
    const now = id()
    if (now === undefined || now === known) return
    known = now
    newIds.push([name, now])
  })
}

/** A client of the classic protocol that comes back to its id. */
function openClassic(name: string): Client {
  const client: Client = {
    ...{ name, handed: [], lasts: new Set<string>(), socket: undefined, awayUntil: 0 },
    isOpen: () => isOpen,
  }
  let id: string | undefined
  let isOpen = false
  let changed = (): void => {}
  noteId(
    client,
    () => id,
    (run) => {
      changed = run
    },
  )
  const open = (): void => {
    try {
      const socket = new (webSocketOf(client) as unknown as typeof WebSocket)('')
      socket.on('close', () => {
        isOpen = false
        setTimeout(open, 200 + Math.random() * 1000)
      })
      socket.on('message', (data) => {
        const { typ, bdy } = JSON.parse(String(data)) as Record<string, any>
        if (typ === 'numbered') return hand(client, bdy)
        if (typ !== 'connection') return
        if (id === undefined || bdy.id === id) {
          id = bdy.id
          isOpen = true
          return changed()
        }
        socket.send(
          JSON.stringify({ to: 'hydra-router:/', frm: 'client:/', mid: name, typ: 'reconnect', bdy: { id } }),
        )
      })
    } catch {
      setTimeout(open, 500)
    }
  }
  open()
  return client
}

async function askOn(
  { name, hydra }: { readonly name: string; readonly hydra: HydraSocket },
  { askEveryMs, services }: ClientsPlan,
): Promise<void> {
  for (let number = 1; !isCalm; number++) {
    await new Promise((resolve) => setTimeout(resolve, askEveryMs * (0.5 + Math.random())))
    if (isCalm) return
    const service = services[number % services.length]!
    sum.asked++
    sum.pending++
    try {
      const said = await hydra.call(
        `${service}:/`,
        { client: name, number },
        { type: 'ask', timeoutMs: 4000 },
      )
      // Unmodified services say back what they were asked.
      if ((said.number ?? said.answer?.number) === number && !said.error) {
        sum.answered++
        answered.push(`${service} ${name} ${number}`)
      } else {
        sum.wrong++
        failed[`wrong: ${JSON.stringify(said).slice(0, 80)}`] = 1
      }
    } catch (error) {
      const what =
        error instanceof CallError ? error.message.replace(/\d+/g, 'N') : `not a CallError: ${error}`
      failed[what] = (failed[what] ?? 0) + 1
    } finally {
      sum.pending--
    }
  }
}

function hurt({ seed, hurtEveryMs, awayMs }: ClientsPlan): void {
  const chance = chanceOf(seed)
  const timer = setInterval(() => {
    if (isCalm) return clearInterval(timer)
    const client = clients[chance(clients.length)]!
    const { socket } = client
    const what = chance(10)
    const forMs = chance(awayMs)
    if (!socket || !client.isOpen()) return
    if (what < 6) {
      sum.cuts++
      socket.terminate()
    } else if (what < 8) {
      socket.pause()
      setTimeout(() => socket.resume(), Math.min(forMs, 6000))
    } else {
      sum.cuts++
      client.awayUntil = performance.now() + forMs
      socket.terminate()
    }
  }, hurtEveryMs)
}

function start(plan: ClientsPlan): void {
  for (const url of plan.urls) watch(url)
  for (let i = 0; i < plan.resuming; i++) {
    const client = openClient(`c${i}`)
    clients.push(client)
    void askOn(client, plan)
  }
  for (let i = 0; i < plan.classic; i++) clients.push(openClassic(`k${i}`))
  plans.push(plan)
  setInterval(() => {
    if (newIds.length > 0) tell({ what: 'ids', ids: newIds })
    newIds = []
    tell({
      what: 'counts',
      counts: { ...sum, failed, open: clients.filter((client) => client.isOpen()).length },
    })
  }, 100)
}

function calm(): void {
  isCalm = true
  for (const client of clients) {
    client.awayUntil = 0
    client.socket?.resume()
  }
  const timer = setInterval(() => {
    if (sum.pending > 0 || !clients.every((client) => client.isOpen())) return
    clearInterval(timer)
    tell({ what: 'calm' })
  }, 50)
}

/** How long a last message may take. */
const LAST_MS = 15_000

function collect({ senders, file }: { readonly senders: readonly string[]; readonly file: string }): void {
  const deadline = performance.now() + LAST_MS
  const timer = setInterval(() => {
    const late = clients.filter(({ lasts }) => !senders.every((sender) => lasts.has(sender)))
    if (late.length > 0 && performance.now() < deadline) return
    clearInterval(timer)
    const handed = Object.fromEntries(clients.map((client) => [client.name, client.handed]))
    writeFileSync(file, JSON.stringify({ handed, answered } satisfies Collected))
    tell({ what: 'collected', late: late.map(({ name }) => name) })
  }, 50)
}

process.on('message', (order: ClientsOrder) => {
  if (order.what === 'start') start(order.plan)
  else if (order.what === 'hurt') hurt(plans[0]!)
  else if (order.what === 'calm') calm()
  else collect(order)
})
process.on('disconnect', () => process.exit())
