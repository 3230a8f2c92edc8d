/**
 * Loaded into a gateway before its own code: how late its event loop is. A message `begin` starts to count, `end` is
 * answered with `{ p50, p99, max }` in ms.
 *
 * @module
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'

/** Between two looks, ms: it is part of each sample. */
const EVERY_MS = 5

const delay = monitorEventLoopDelay({ resolution: EVERY_MS })
delay.enable()
const ms = (nanoseconds: number) => Math.max(0, Math.round(nanoseconds / 1e5) / 10 - EVERY_MS)
process.on('message', (question) => {
  if (question === 'begin') return delay.reset()
  process.send!({ p50: ms(delay.percentile(50)), p99: ms(delay.percentile(99)), max: ms(delay.max) })
})
process.channel!.unref()

export type LoopDelay = { readonly p50: number; readonly p99: number; readonly max: number }
