/**
 * How this node is seen by services, other routers and operators: in Redis, where there is one, and in the lists of the
 * router API.
 *
 * @module
 */
import { ROUTER_SERVICE } from '@hydra-gateway/protocol/umf'
import type { NodeEntry } from './port.ts'

export interface RouterSelf {
  /** 32 lower-case hex digits. */
  readonly routerId: string
  /** Of the gateway. */
  readonly version: string
  readonly hostName: string
  /** Address it is reached at. */
  readonly ip: string
  /** Of the public port, once it is open. */
  readonly port: () => number
  readonly process: ProcessFacts
}

/** What a process knows of itself; `process` is one. */
export interface ProcessFacts {
  readonly pid: number
  readonly arch: string
  readonly platform: string
  readonly version: string
  memoryUsage(): object
  uptime(): number
}

/** Its entry among those of all instances. `now`: epoch ms. */
export function entryOf(self: RouterSelf, now: number): NodeEntry {
  return {
    serviceName: ROUTER_SERVICE,
    serviceDescription: 'Hydra gateway',
    version: self.version,
    instanceID: self.routerId,
    updatedOn: stamp(now),
    processID: self.process.pid,
    ip: self.ip,
    port: self.port(),
    hostName: self.hostName,
  }
}

/** Its health, with the names of the originals. */
export function healthOf({ routerId, hostName, process }: RouterSelf, now: number) {
  return {
    updatedOn: stamp(now),
    serviceName: ROUTER_SERVICE,
    instanceID: routerId,
    hostName,
    sampledOn: stamp(now),
    processID: process.pid,
    architecture: process.arch,
    platform: process.platform,
    nodeVersion: process.version,
    memory: process.memoryUsage(),
    uptimeSeconds: process.uptime(),
  }
}

const stamp = (now: number): string => new Date(now).toISOString()
