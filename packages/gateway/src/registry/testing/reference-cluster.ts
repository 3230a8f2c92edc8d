/**
 * The model: what a cluster of gateways must come to, in as few words as possible. It knows no leases, claims, looks or
 * clocks; only which processes live and say so, and which services were ever here.
 *
 * @module
 */

/** A process of a service, as the world sees it. */
export interface Process {
  readonly id: string
  readonly service: string
  /** It runs and tells the gateway so. */
  isAlive: boolean
  /** Somebody asked it to finish; undefined when that was asked where or when it may not have been heard. */
  drains: boolean | undefined
}

export class ReferenceCluster {
  readonly processes = new Map<string, Process>()
  /** Services all nodes have to know, and those nobody may know; of others nothing is said. */
  readonly known = new Map<string, boolean | undefined>()

  /** A process begins. `isSure`: whoever hears it could tell everybody. */
  begin(id: string, service: string, isSure: boolean): void {
    this.processes.set(id, { id, service, isAlive: true, drains: false })
    this.known.set(service, isSure || (this.known.get(service) === true ? true : undefined))
  }

  end(id: string): void {
    const process = this.processes.get(id)
    if (process) process.isAlive = false
  }

  drain(id: string, drains: boolean, isSure: boolean): void {
    const process = this.processes.get(id)
    if (process?.isAlive) process.drains = isSure ? drains : undefined
  }

  forget(service: string, isSure: boolean): void {
    if (!this.known.has(service)) return
    // Whoever lives registers again, if it is given the time.
    this.known.set(service, isSure && this.living(service).length === 0 ? false : undefined)
  }

  /** Something was lost: what is kept nowhere but in what was lost may be as it was before. */
  lose(): void {
    for (const process of this.processes.values()) process.drains = undefined
    for (const service of this.known.keys()) this.known.set(service, undefined)
  }

  /** Whether all nodes have to know a service, when everything has been quiet for long enough. */
  isKnown(service: string): boolean | undefined {
    return this.living(service).length > 0 ? true : this.known.get(service)
  }

  /** Who has to serve then, and who may. */
  serving(service: string): { readonly must: readonly string[]; readonly may: readonly string[] } {
    const living = this.living(service)
    return {
      must: living.filter(({ drains }) => drains === false).map(({ id }) => id),
      may: living.filter(({ drains }) => drains === undefined).map(({ id }) => id),
    }
  }

  private living(service: string): Process[] {
    return [...this.processes.values()].filter((one) => one.service === service && one.isAlive)
  }
}
