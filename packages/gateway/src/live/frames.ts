/**
 * What goes over the wire of a stream: server-sent events, as bytes. Whoever wants another transport writes these, and
 * `exchange.stream` in `hub.ts`.
 *
 * @module
 */
import type { LiveEvent } from '@hydra-gateway/protocol'

/** For the head of a stream; nothing between us and the page may keep or hold anything of it. */
export const STREAM_HEAD: Readonly<Record<string, string>> = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
  'x-content-type-options': 'nosniff',
}

/** `json`: in one line, as JSON has no line breaks of its own. */
export function stateFrame(id: string, json: string): Buffer {
  return Buffer.from(`id: ${id}\n${frame('state', json)}`)
}

export const BEAT: Buffer = Buffer.from(frame('beat', ''))
export const RENEW: Buffer = Buffer.from(frame('renew', '{}'))

/** Programs that know nothing of `bye` go by `retry` alone. */
export function bye(afterMs: number): Buffer {
  return Buffer.from(`retry: ${afterMs}\n${frame('bye', JSON.stringify({ afterMs }))}`)
}

/** When to come back if the connection breaks: not all of them at once. `share`: 0 to 1. */
export function retry(share: number): Buffer {
  const { length } = RETRIES
  return RETRIES[Math.min(length - 1, Math.floor(share * length))]!
}

const RETRIES: readonly Buffer[] = Array.from({ length: 32 }, (_, i) =>
  Buffer.from(`retry: ${1000 + i * 100}\n\n`),
)

function frame(event: LiveEvent, data: string): string {
  return `event: ${event}\ndata: ${data}\n\n`
}
