/**
 * The demo without a terminal: one line for each event, until it is told to stop.
 *
 * @module
 */
import { once } from 'node:events'
import type { DemoEvent } from './event.ts'
import { openStory } from './story.ts'

export interface PlainOptions {
  readonly port: number
  write(text: string): void
  readonly signal: AbortSignal
}

/** Resolves with the exit status. */
export async function runPlain({ port, write, signal }: PlainOptions): Promise<number> {
  const story = await openStory({ port, onEvent: (event) => write(`${plainLine(event)}\n`) })
  try {
    story.say({ text: `the shop is at ${story.shop.gateway.url}; SIGTERM or Ctrl+C stops it` })
    if (!signal.aborted) await Promise.race([once(signal, 'abort'), story.shop.gateway.child.exited])
  } finally {
    await story.stop()
  }
  story.say({ text: 'stopped, nothing is left running' })
  return signal.aborted ? 0 : 1
}

/** `2026-11-20T14:03:27.412Z down orders ord-72 …` */
function plainLine({ at, state, service, text }: DemoEvent): string {
  return [new Date(at).toISOString(), state, service, text].filter((part) => part !== undefined).join(' ')
}
