/**
 * Keeps a line to one of the gateways: opens it, stays until it is lost, and opens the next; and goes elsewhere when a
 * gateway that stops asks for it, by opening the new line before the old one is closed.
 *
 * @module
 */
import type { KnownOverview, RegistrationResponse } from '@hydra-gateway/protocol'
import type { Connection } from './connection.ts'
import { ConnectionError } from './connection-error.ts'
import type { Gateways } from './gateways.ts'
import { pauseAfter, pauseAtOnce } from './retry.ts'
import { nothing } from './waiting.ts'

/** An open line: the gateway knows this instance. */
export interface OpenLine {
  readonly gateway: string
  readonly connection: Connection
  /** What it said to the registration. */
  readonly answer: RegistrationResponse
  /** What it said last of all services. */
  overview(): KnownOverview | undefined
  /** Resolves with a sentence when it is gone. */
  readonly lost: Promise<string>
  /** Resolves when the gateway wants this service to be elsewhere. */
  readonly sentOn: Promise<Move>
}

/** A gateway's wish, and how it hears what came of it. */
export interface Move {
  /** All of its services go within this time, each at a moment of its own. */
  readonly withinMs: number
  answer(moved: boolean): void
}

export interface LineDeps {
  readonly gateways: Gateways
  /** One attempt at the current gateway. Rejects with why there is no line. */
  readonly open: () => Promise<OpenLine>
  /** `before` is the line it takes the place of, which stays open until that has returned. */
  readonly onUp: (line: OpenLine, before: OpenLine | undefined) => void
  readonly onLost: (line: OpenLine, reason: string) => void
  readonly onFailed: (fault: unknown) => void
  readonly random: () => number
}

export interface LineKeeper {
  /** Resolves when `stop` was called and the attempt that was running has ended. */
  keep(): Promise<void>
  /** No further attempts. A line that is open stays so. */
  stop(): void
  /** The attempt that runs now; resolves whatever becomes of it. */
  attempting(): Promise<void>
}

/** How long a line that was left may take to finish what is under way on it. */
const LINGER_MS = 2000

export function createLineKeeper(deps: LineDeps): LineKeeper {
  const { gateways, onUp, onLost, onFailed, random } = deps
  let stopped = false
  let running: Promise<void> = Promise.resolve()
  let wake = () => {}

  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      if (stopped) return resolve()
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })

  const open = (): Promise<OpenLine> => {
    const opening = deps.open()
    running = opening.then(nothing, nothing)
    return opening
  }

  /** The next line, after as many attempts as it takes; undefined when there shall be none. */
  async function reach(): Promise<OpenLine | undefined> {
    for (let failures = 1; !stopped; failures++) {
      try {
        const line = await open()
        gateways.reached()
        onUp(line, undefined)
        return line
      } catch (fault) {
        onFailed(fault)
        const isAtOnce = gateways.next(fault instanceof ConnectionError ? fault.address : undefined)
        await pause(isAtOnce ? pauseAtOnce(random) : pauseAfter(failures, random))
      }
    }
    return undefined
  }

  /** A line elsewhere, with the old one open until it is there; undefined when there is none in time. */
  async function goElsewhere(from: OpenLine, { withinMs, answer }: Move): Promise<OpenLine | undefined> {
    let isLost = false
    void from.lost.then(() => {
      isLost = true
      wake()
    })
    const until = performance.now() + withinMs
    await pause(random() * withinMs)
    for (let failures = 1; !stopped && !isLost; failures++) {
      const isAtOnce = gateways.next(failures === 1 ? from.connection.address : undefined)
      try {
        const line = await open()
        gateways.reached()
        onUp(line, from)
        answer(true)
        from.connection.leave(LINGER_MS)
        return line
      } catch {
        // The old line still serves, and its end is news.
        if (performance.now() > until) break
        await pause(isAtOnce ? pauseAtOnce(random) : pauseAfter(failures, random))
      }
    }
    answer(false)
    return undefined
  }

  return {
    async keep() {
      for (let line = await reach(); line; line = await reach()) {
        const last = await stay(line)
        if (stopped) return
        // Another gateway is there already, and one that was restarted is back soon: only a moment before the first try.
        gateways.next(last.connection.address)
        await pause(pauseAtOnce(random))
      }
    },
    stop() {
      stopped = true
      wake()
    },
    attempting: () => running,
  }

  /** Until there is no line any more. Resolves with the last one: it may be another one by then. */
  async function stay(first: OpenLine): Promise<OpenLine> {
    let line = first
    for (;;) {
      const { lost, sentOn } = line
      const next = await Promise.race([lost, sentOn])
      if (typeof next !== 'string') {
        const elsewhere = await goElsewhere(line, next)
        if (elsewhere) {
          line = elsewhere
          continue
        }
      }
      const reason = await lost
      if (!stopped) onLost(line, reason)
      return line
    }
  }
}
