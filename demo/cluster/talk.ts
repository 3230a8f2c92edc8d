/**
 * Visitors who talk in the chat without a pause, and count what they hear: as the page does, each over a socket that finds
 * its way back by itself. Nothing may be missing, and nothing shown twice, whichever node is killed.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { type HydraSocket, openSocket } from '@hydra-gateway/sdk/socket'

export interface Talk {
  /** Lines that were said. */
  readonly said: number
  /** Lines that were shown, by all listeners together. */
  readonly heard: number
  /** Lines somebody did not hear, and was not told that it missed some. */
  readonly lost: number
  /** Lines somebody was handed again over the socket; they are not shown twice. */
  readonly again: number
  /** Lines of sockets that broke and came back with nothing missing. */
  readonly recovered: number
  /** Times somebody was told that messages are gone, and asked the room for them. */
  readonly caughtUp: number
  /** Longest time between two lines somebody heard, ms, since it was asked last. */
  slowestMs(): number
  /** The last line each listener heard is the last one that was said. */
  isLevel(): boolean
  /** What is heard from now on, by one of them. */
  onLine(listener: (line: Line) => void): () => void
  say(text: string): Promise<void>
  stop(): void
}

export interface Line {
  readonly n: number
  readonly who: string
  readonly text: string
}

/** What the room answers, to whatever. */
interface Answer {
  readonly last?: number
  readonly lines?: readonly Line[]
}

const LISTENERS = 6
const SPEAKERS = 2
const AGAIN_MS = 200

/** Resolves when all have joined. `everyMs`: how often each speaker says a line. */
export async function startTalk(url: string, everyMs: number): Promise<Talk> {
  let [said, heard, lost, again, recovered, caughtUp, newest, slowestMs] = [0, 0, 0, 0, 0, 0, 0, 0]
  let isOver = false
  const lineListeners = new Set<(line: Line) => void>()

  /** Calls until it is answered: what is asked here may be asked twice. */
  async function ask(socket: HydraSocket, type: string, body: object): Promise<Answer | undefined> {
    while (!isOver) {
      try {
        return await socket.call('chat:/', body, { type, timeoutMs: 3000 })
      } catch {
        await delay(AGAIN_MS)
      }
    }
    return undefined
  }

  async function listen(index: number) {
    const socket = openSocket(`${url}/_hydra/socket`, { firstRetryMs: 200, maxRetryMs: 2000 })
    let last = -1
    let heardAt = performance.now()
    /** What comes while it is asked for what was missed; undefined otherwise. */
    let waiting: Line[] | undefined

    function show(line: Line): void {
      last = line.n
      heard++
      slowestMs = Math.max(slowestMs, performance.now() - heardAt)
      heardAt = performance.now()
      if (index === 0) for (const listener of lineListeners) listener(line)
    }
    async function join(): Promise<void> {
      if (waiting) return
      waiting = []
      const joined = await ask(socket, 'join', {})
      if (last < 0) last = joined?.last ?? 0
      const { lines = [] } = (await ask(socket, 'after', { n: last })) ?? {}
      for (const line of [...lines, ...waiting]) if (line.n > last) show(line)
      waiting = undefined
    }
    const joinAgain = (): void => {
      caughtUp++
      void join()
    }
    socket.onMessage('line', ({ body }) => {
      newest = Math.max(newest, body.n)
      if (waiting) return void waiting.push(body)
      if (body.n <= last) return void again++
      lost += body.n - last - 1
      show(body)
    })
    socket.on('recovered', (isWhole) => {
      if (isWhole === true) recovered++
      else joinAgain()
    })
    socket.on('lost', joinAgain)
    await join()
    return { socket, isLevel: () => last >= newest }
  }

  const listeners = await Promise.all(Array.from({ length: LISTENERS }, (_, index) => listen(index)))

  async function say(socket: HydraSocket, text: string): Promise<void> {
    await ask(socket, 'say', { id: randomUUID(), text })
    said++
  }
  async function speak(socket: HydraSocket, name: string): Promise<void> {
    for (let count = 1; !isOver; count++) {
      await say(socket, `${name} ${count}`)
      await delay(everyMs)
    }
  }
  for (const [index, { socket }] of listeners.slice(0, SPEAKERS).entries())
    void speak(socket, `talker ${index + 1}`)

  return {
    get said() {
      return said
    },
    get heard() {
      return heard
    },
    get lost() {
      return lost
    },
    get again() {
      return again
    },
    get recovered() {
      return recovered
    },
    get caughtUp() {
      return caughtUp
    },
    slowestMs() {
      const most = slowestMs
      slowestMs = 0
      return most
    },
    isLevel: () => listeners.every(({ isLevel }) => isLevel()),
    onLine(listener) {
      lineListeners.add(listener)
      return () => lineListeners.delete(listener)
    },
    say: (text) => say(listeners.at(-1)!.socket, text),
    stop() {
      isOver = true
      for (const { socket } of listeners) socket.close()
    },
  }
}
