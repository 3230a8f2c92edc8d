/**
 * Nodes: which gateways share the store. For operators, and for whoever sends something to one of them by name.
 *
 * @module
 */

/** Where a node listens, as it knows itself. */
export interface NodeDoors {
  /** The same for nodes that have one loopback interface. */
  readonly machine: string
  /** `all` addresses of its machine, its `loopback` ones, or one IP address. */
  readonly bound: string
  /** Those of its machine that others may reach, when it is bound to all. */
  readonly addresses: readonly string[]
  readonly ports: readonly number[]
}

/** What a node says of itself. */
export interface NodeFacts {
  /** Made anew for each process. */
  readonly id: string
  /** What people call it: the host name, or what the configuration says. */
  readonly name: string
  readonly version: string
  /** Epoch ms, by its own clock: for people. */
  readonly startedAt: number
  /** Proof that it has one of our private keys: nodes that have not share no secrets with us (`cluster/membership.ts`). */
  readonly keyProof: string
  /** It stops: services of it are about to move. */
  readonly isLeaving: boolean
  /** How many times it has said so. Absent from nodes that don't say. */
  readonly beats?: number | undefined
  /** Absent from nodes that don't say. */
  readonly doors?: NodeDoors | undefined
}

export interface NodeDirectory {
  /** Writes what a node says and keeps it listed for so long. */
  beat(facts: NodeFacts, leaseMs: number): Promise<void>
  leave(id: string): Promise<void>
  /** Those that are listed, by name and id. */
  list(): Promise<readonly NodeFacts[]>
}
