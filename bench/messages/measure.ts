/**
 * Everybody under the same loads: requests over HTTP, and messages that are answered.
 *
 * @module
 */

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { withFolder } from '../capacity/with-folder.ts'
import { startChild } from '../support/child.ts'
import type { Job, Seen } from '../support/clients/job.ts'
import type { Place } from '../support/place.ts'
import { type Cores, pin } from '../support/processes.ts'
import {
  type Lane,
  type Measured,
  measuredOf,
  openLane,
  type RoundsOptions,
  takeTurns,
} from '../support/rounds.ts'
import { type ClientJob, PATH, SERVICE } from './job.ts'
import type { MessagePeer } from './peers.ts'

export type LoadName = 'http' | 'ask' | 'call'

export interface Client {
  /** Rejects when something was not as it should be. */
  send<Answer>(job: ClientJob): Promise<Answer>
}

/** What a client is told. */
export function jobOf(load: LoadName, job: Job): ClientJob {
  if (load === 'http') return { what: 'http', ...job }
  return { what: 'ask', to: load === 'ask' ? `${SERVICE}:/` : `${SERVICE}:[get]${PATH}`, ...job }
}

export const CONNECTIONS = 64

/** A folder, and clients in a process of their own. */
export function withClient<T>(
  cores: Cores | undefined,
  run: (grounds: {
    readonly client: Client
    place(name: string): Place
    later(end: () => unknown): void
  }) => Promise<T>,
): Promise<T> {
  return withFolder(async (folder, later) => {
    const child = await startChild(new URL('clients/client.ts', import.meta.url))
    later(child.end)
    pin([child.pid], cores?.others)
    const client: Client = {
      async send<Answer>(job: ClientJob) {
        const answer = await child.ask<(Answer & object) | { error: string }>(job)
        if ('error' in answer) throw new Error(answer.error)
        return answer
      },
    }
    let places = 0
    const place = (name: string): Place => {
      const own = join(folder, `${name.replace(/\W+/g, '-')}-${places++}`)
      mkdirSync(own)
      return { folder: own, logFile: join(own, 'log') }
    }
    return run({ client, place, later })
  })
}

/** Starts everybody, gives them turns under each load, and ends them. */
export function measureLoads(
  loads: readonly { readonly load: LoadName; readonly peers: readonly MessagePeer[] }[],
  options: RoundsOptions & { readonly onLoad: (load: LoadName) => NonNullable<RoundsOptions['onTurn']> },
): Promise<ReadonlyMap<LoadName, Measured[]>> {
  return withClient(options.cores, async (grounds) => {
    const found = new Map<LoadName, Measured[]>()
    for (const { load, peers } of loads) {
      const ends: (() => unknown)[] = []
      const later = (end: () => unknown) => void ends.push(end)
      try {
        const lanes: Lane<Place, MessagePeer>[] = []
        for (const peer of peers)
          lanes.push(await openLane({ place: grounds.place, later }, peer, options.cores))
        const ask = (
          { running }: Lane<Place>,
          { ms, requests }: { ms: number; requests?: number | undefined },
        ) =>
          grounds.client.send<Seen>(
            jobOf(load, {
              port: running!.port,
              connections: CONNECTIONS,
              until: requests === undefined ? { ms } : { requests },
            }),
          )
        await takeTurns(lanes, ask, { ...options, onTurn: options.onLoad(load) })
        found.set(load, lanes.map(measuredOf))
      } finally {
        for (const end of ends.reverse()) await end()
      }
    }
    return found
  })
}
