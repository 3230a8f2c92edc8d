/**
 * Visitors of every kind, who look at every byte they get.
 *
 * @module
 */
import { Agent, type IncomingMessage, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { openWebSocket } from '../support/websockets.ts'
import { BIG_BYTES, contentOf, ITEM_BYTES } from './content.ts'

/**
 * `disturbed`: an error that says so, or an answer that is seen to be cut, as it may happen to somebody whose
 * instance was just killed. `wrong`: anything that was taken for whole and was not, and whoever waits for ever.
 */
export interface Counts {
  readonly ok: ReadonlyMap<string, number>
  readonly disturbed: ReadonlyMap<string, number>
  /** What was wrong, in words; the first hundred. */
  readonly wrong: readonly string[]
}

export interface SoakLoad {
  readonly counts: Counts
  /** Resolves when the last visitor is gone. */
  stop(): Promise<void>
}

/** Nobody waits that long for anything here, unless he was forgotten. */
const FORGOTTEN_MS = 20_000
const PAUSE_MS = 4

class Disturbed extends Error {}

/** Starts the visitors of the named services at a gateway. */
export function startSoakLoad(port: number, services: readonly string[]): SoakLoad {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const ok = new Map<string, number>()
  const disturbed = new Map<string, number>()
  const wrong: string[] = []
  let isRunning = true
  let count = 0

  const kinds: Readonly<Record<string, { atOnce: number; visit(name: string, id: string): Promise<void> }>> =
    {
      get: {
        atOnce: 6,
        visit: (name, id) => expectBody(ask(`/${name}/item/${id}`), contentOf(id, ITEM_BYTES)),
      },
      alone: {
        atOnce: 2,
        visit: (name, id) =>
          expectBody(ask(`/${name}/item/${id}`, { isAlone: true }), contentOf(id, ITEM_BYTES)),
      },
      post: {
        atOnce: 3,
        async visit(name, id) {
          const content = contentOf(id, Math.floor(Math.random() * 200_000))
          await expectBody(ask(`/${name}/echo/${id}`, { body: content, isChunked: count % 2 === 0 }), content)
        },
      },
      own: {
        atOnce: 1,
        async visit(_name, id) {
          const { statusCode, text } = await heard(ask(`/_hydra/errors/HYDRA_NO_ROUTE?${id}`))
          if (statusCode !== 200 || text.length === 0) throw new Error(`an own page got ${statusCode}`)
        },
      },
      slow: {
        atOnce: 2,
        visit: (name, id) => expectBody(ask(`/${name}/slow/${id}`), contentOf(id, ITEM_BYTES)),
      },
      reader: {
        atOnce: 2,
        visit: (name, id) => expectBody(ask(`/${name}/big/${id}`, { pauseMs: 10 }), contentOf(id, BIG_BYTES)),
      },
      abort: { atOnce: 3, visit: abort },
      websocket: { atOnce: 4, visit: talk },
    }

  interface Ask {
    readonly body?: Buffer
    readonly isChunked?: boolean
    readonly isAlone?: boolean
    /** Rest after each piece of the answer. */
    readonly pauseMs?: number
  }

  function ask(path: string, { body, isChunked, isAlone, pauseMs }: Ask = {}): Promise<Heard> {
    return new Promise((resolve, reject) => {
      const call = request({
        port,
        host: '127.0.0.1',
        path,
        method: body ? 'POST' : 'GET',
        agent: isAlone ? false : agent,
        ...(body && !isChunked ? { headers: { 'content-length': body.length } } : {}),
      })
      const fail = () => reject(new Disturbed('the connection broke'))
      call.on('error', fail)
      call.on('response', (response: IncomingMessage) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk)
          if (pauseMs === undefined) return
          response.pause()
          setTimeout(() => response.resume(), pauseMs)
        })
        response.on('error', fail)
        response.on('end', () =>
          resolve({ statusCode: response.statusCode!, content: Buffer.concat(chunks) }),
        )
      })
      call.end(body)
    })
  }

  async function abort(name: string, id: string): Promise<void> {
    const isUpload = count % 2 === 0
    await new Promise<void>((resolve) => {
      const call = request({
        port,
        host: '127.0.0.1',
        path: `/${name}/${isUpload ? 'echo' : 'slow'}/${id}`,
        method: isUpload ? 'POST' : 'GET',
        agent: false,
        ...(isUpload ? { headers: { 'content-length': 100_000 } } : {}),
      })
      call.on('error', () => {}).on('close', () => resolve())
      call.on('response', (response) => response.on('error', () => {}).on('data', () => call.destroy()))
      if (isUpload) call.write(Buffer.alloc(10_000))
      else call.end()
      setTimeout(() => call.destroy(), Math.random() * 60)
    })
  }

  async function talk(name: string, id: string): Promise<void> {
    const socket = await openWebSocket(port, `/${name}/live`).catch(disturb)
    try {
      for (let i = 0; i < 20 && isRunning; i++) {
        const said = `${id} ${i}`
        const answer = await socket.ask(said).catch(disturb)
        if (answer !== said) throw new Error(`a WebSocket said ${JSON.stringify(answer)} to ${said}`)
        await delay(50)
      }
    } finally {
      socket.destroy()
    }
  }

  async function work(kind: string, index: number): Promise<void> {
    while (isRunning) {
      const id = `${kind}-${++count}`
      const name = services[(count + index) % services.length]!
      try {
        await remembered(kinds[kind]!.visit(name, id))
        ok.set(kind, (ok.get(kind) ?? 0) + 1)
      } catch (error) {
        if (error instanceof Disturbed) disturbed.set(kind, (disturbed.get(kind) ?? 0) + 1)
        else if (wrong.length < 100) wrong.push(`${id}: ${(error as Error).message}`)
      }
      await delay(PAUSE_MS)
    }
  }

  const working = Object.entries(kinds).flatMap(([kind, { atOnce }]) =>
    Array.from({ length: atOnce }, (_, index) => work(kind, index)),
  )
  return {
    counts: { ok, disturbed, wrong },
    async stop() {
      isRunning = false
      await Promise.all(working)
      agent.destroy()
    },
  }
}

interface Heard {
  readonly statusCode: number
  readonly content: Buffer
}

async function heard(asked: Promise<Heard>): Promise<{ statusCode: number; text: string }> {
  const { statusCode, content } = await asked
  return { statusCode, text: content.toString() }
}

/** The gateway may say that a service failed; whatever it calls an answer of the service has to be one. */
async function expectBody(asked: Promise<Heard>, expected: Buffer): Promise<void> {
  const { statusCode, content } = await asked
  if (statusCode >= 502 && statusCode <= 504) throw new Disturbed(`${statusCode}`)
  if (statusCode !== 200) throw new Error(`got ${statusCode}`)
  if (!content.equals(expected)) {
    throw new Error(
      `got ${content.length} bytes for ${expected.length}: ${content.toString('latin1', 0, 60)}`,
    )
  }
}

function disturb(error: Error): never {
  throw new Disturbed(error.message)
}

async function remembered(visit: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const forgotten = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('forgotten')), FORGOTTEN_MS)
  })
  await Promise.race([visit, forgotten]).finally(() => clearTimeout(timer))
}
