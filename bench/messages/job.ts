/**
 * What clients and services of this bench are told to do.
 *
 * @module
 */
import type { Job } from '../support/clients/job.ts'

/** How a client speaks: as clients of hydra-router, as one of ours that resumes, or as one of socket.io. */
export type Speech = 'classic' | 'resuming' | 'socket.io'

export type ClientJob =
  /** Asks for a path over HTTP. */
  | ({ readonly what: 'http' } & Job)
  /** Sends messages, each when the answer to the one before is there. Sockets stay open for the next time. */
  | ({ readonly what: 'ask'; readonly to: string } & Job)
  | { readonly what: 'open'; readonly port: number; readonly count: number; readonly speech: Speech }
  /** From now on it is heard when each open socket is sent something with this text in it. */
  | { readonly what: 'listen'; readonly text: string }
  /** Until all of them were. */
  | { readonly what: 'heard' }
  | { readonly what: 'close' }

export interface Opened {
  readonly ids: readonly string[]
  /** Who said hello: an id of a router, empty where there is none. */
  readonly router: string
}

/** Milliseconds of the machine's monotonic clock, by socket. */
export interface Heard {
  readonly atMs: readonly number[]
}

/** A service pushes one message to each of these clients; to all at once where it can, and is told so. */
export interface PushJob {
  readonly ids: readonly string[]
  readonly router: string
  readonly body: object
  readonly isToAll: boolean
}

export interface Pushed {
  /** Before the first message left, on the same clock. */
  readonly startedMs: number
}

/** Name of the service, and where it answers. */
export const SERVICE = 'echo'
export const PATH = '/v1/echo/4711'
export const ROUTE = '/v1/echo/:id'

/** Its answer over HTTP: 1 KB in the form and order all `hydra` services use, which the original writes anew. */
export const ANSWER: string = JSON.stringify({
  statusCode: 200,
  statusMessage: 'OK',
  statusDescription: 'Request succeeded without error',
  result: {
    id: '4711',
    items: Array.from({ length: 12 }, (_, i) => ({
      article: `article ${i}`,
      price: i * 100,
      note: 'in stock, and sent today',
    })),
  },
})

/** `typ` of messages that are answered. */
export const ASK = 'ask'
/** Body of a message that is answered, and what stands in the answer. */
export const QUESTION = { order: 4711, lines: ['watering can', 'seeds'], note: 'where is it?' } as const
export const REPLY = { order: 4711, state: 'on its way', at: '2026-11-21T16:00:00.000Z' } as const

export const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6
