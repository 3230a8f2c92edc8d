/**
 * The loads: what visitors do, and what our CPU for it may be against that of others.
 *
 * @module
 */
import type { Job } from '../support/clients/job.ts'
import type { Targets } from '../support/comparison.ts'

/** What the client is told. */
export interface LoadJob extends Job {
  readonly load: Load['name']
  /** Cookies beside the usual ones; `get` only. */
  readonly cookies?: string | undefined
}

export interface Load {
  readonly name: 'get' | 'post' | 'connect' | 'big' | 'websocket' | 'h2'
  readonly title: string
  /** What is counted. */
  readonly unit: 'requests' | 'messages'
  readonly connections: number
  /** Visitors come over TLS and HTTP/2. */
  readonly tls?: boolean
  /** CPU of ours against a peer's in the same run: the goal, and the stretch. */
  readonly targets: Targets
}

export const LOADS: readonly Load[] = [
  {
    name: 'get',
    title: '1 KB GET, connections kept',
    unit: 'requests',
    connections: 64,
    targets: {
      nginx: [1.4, 1.3],
      HAProxy: [1.35, 1.2],
      Caddy: [0.4, 0.3],
      'http-proxy-3': [0.4, 0.27],
    },
  },
  {
    name: 'post',
    title: '64 KB POST, connections kept',
    unit: 'requests',
    connections: 64,
    targets: { 'http-proxy-3': [0.5, 0.38] },
  },
  {
    name: 'connect',
    title: '1 KB GET, a new connection each',
    unit: 'requests',
    connections: 64,
    targets: { 'http-proxy-3': [0.6, 0.48] },
  },
  {
    name: 'big',
    title: '1 MB GET, connections kept',
    unit: 'requests',
    connections: 16,
    targets: { 'http-proxy-3': [0.5, 0.37] },
  },
  { name: 'websocket', title: 'WebSocket echo of 37 bytes', unit: 'messages', connections: 64, targets: {} },
  {
    name: 'h2',
    title: '1 KB GET over HTTP/2 and TLS, connections kept',
    unit: 'requests',
    connections: 16,
    tls: true,
    targets: {},
  },
]
