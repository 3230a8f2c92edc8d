/**
 * The line to Redis, as the facets of its store see it: commands, scripts and messages, whatever the deployment is (one
 * server, Sentinel, Cluster). Nothing waits in a queue: while Redis is away everything rejects at once.
 *
 * @module
 */
import type { Reach } from '../reach.ts'

/** A Lua script, run by its hash. All its keys have one hash tag. */
export interface Script {
  readonly name: string
  readonly source: string
}

export interface RedisLine {
  /** For people: `redis at host:6379`; never with a password. */
  readonly place: string
  readonly reach: Reach
  /** Stands before every key and every channel: `hydra-gateway:`. */
  readonly prefix: string
  /** One command at the primary; `key` says where in a Cluster. Rejects with StoreAway while it is away, and after `commandTimeoutMs`. */
  send(key: string, args: readonly string[]): Promise<unknown>
  /** One script, atomically. */
  run(script: Script, keys: readonly string[], args: readonly string[]): Promise<unknown>
  publish(channel: string, text: string): Promise<void>
  /** Listens from now on, and again after every reconnection. Returns the function that ends it. */
  subscribe(channel: string, onMessage: (text: string) => void): () => void
  close(): Promise<void>
}

/** The store can't be reached, or didn't answer in time. What was asked may still have happened. */
export class StoreAway extends Error {
  override readonly name = 'StoreAway'
}
