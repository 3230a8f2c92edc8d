/**
 * For tests of the two ways to ask instances: what a receiver was told, requests to ask with, the engine's parts, and
 * services that answer byte by byte.
 *
 * @module
 */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { RenderedFragment, RenderItem, RenderRequest } from '@hydra-gateway/protocol'
import { systemClock } from '../../observe/clock.ts'
import { createLog } from '../../observe/log.ts'
import { createMetrics } from '../../observe/metrics.ts'
import { createForwarder } from '../../proxy/forward.ts'
import { type ProxySettings, proxyDefaults } from '../../proxy/settings.ts'
import { type RawClient, rawServer, until } from '../../proxy/testing/raw.ts'
import { createVitals } from '../../routing/vitals.ts'
import type { RenderFailure, RenderReceiver } from '../port.ts'

/** A receiver that keeps what it is told, and complains when it is told more than it may be. */
export interface Told extends RenderReceiver {
  readonly fragments: RenderedFragment[]
  readonly sessions: unknown[]
  readonly isEnded: boolean
  readonly failure: RenderFailure | undefined
  /** Waits for the end; the failure, or undefined for a good one. */
  ended(): Promise<RenderFailure | undefined>
  /** Called at each fragment. */
  onEach: (fragment: RenderedFragment) => void
}

export function told(exchange?: string): Told {
  const fragments: RenderedFragment[] = []
  const sessions: unknown[] = []
  let isEnded = false
  let failure: RenderFailure | undefined
  return {
    exchange,
    fragments,
    sessions,
    onEach() {},
    onFragment(fragment) {
      assert.equal(isEnded, false, 'a fragment after the end')
      fragments.push(fragment)
      this.onEach(fragment)
    },
    onSession(session) {
      assert.equal(isEnded, false, 'a session after the end')
      sessions.push(session)
    },
    onEnd(given) {
      assert.equal(isEnded, false, 'a second end')
      isEnded = true
      failure = given
    },
    get isEnded() {
      return isEnded
    },
    get failure() {
      return failure
    },
    async ended() {
      await until('the end of a call', () => isEnded)
      return failure
    },
  }
}

/** One fragment of a page. */
export function item(id: string, more: Partial<RenderItem> = {}): RenderItem {
  return { id, service: 'shop', ref: 'cart', fallback: null, imports: [], exports: [], ...more }
}

export function request(more: Partial<RenderRequest> = {}): RenderRequest {
  return { attributes: {}, requests: [item('f1')], ...more }
}

/** A forwarder for requests of the gateway's own, with what it counts and logs. */
export function openRequests(t: TestContext, settings: Partial<ProxySettings> = {}) {
  const vitals = createVitals()
  const metrics = createMetrics()
  const lines: Record<string, unknown>[] = []
  const log = createLog('debug', { write: (line) => void lines.push(JSON.parse(line)) })
  const forwarder = createForwarder({
    settings: { ...proxyDefaults, ...settings },
    vitals,
    clock: systemClock,
    log,
    metrics,
  })
  t.after(forwarder.close)
  return { requests: forwarder.own, vitals, metrics, lines }
}

/** One request as a service got it. */
export interface Got {
  readonly end: RawClient
  readonly head: string
  readonly body: string
  /** From 0, over all connections. */
  readonly index: number
}

/** A service that is told each whole request, and answers with bytes. */
export async function rawService(t: TestContext, answer: (got: Got) => void) {
  let index = 0
  const service = await rawServer(t, (end) => {
    let from = 0
    end.socket.on('data', () => {
      for (;;) {
        const at = end.text.indexOf('\r\n\r\n', from)
        if (at < 0) return
        const head = end.text.slice(from, at + 4)
        const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
        if (end.text.length < at + 4 + length) return
        from = at + 4 + length
        const body = Buffer.from(end.text.slice(at + 4, from), 'latin1').toString()
        answer({ end, head, body, index: index++ })
      }
    })
  })
  return { ...service, count: () => index }
}

/** A whole answer with this body. */
export function ok(body: unknown, more = ''): string {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  return `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n${more}Content-Length: ${bytes.length}\r\n\r\n${bytes.toString('latin1')}`
}
