/**
 * What a page tells developers of a fragment by itself: of its own ones, and of those the gateway sent no report of.
 *
 * @module
 */
import type { FallbackReason, FragmentReport } from '@hydra-gateway/protocol'
import { type FragmentNode, formatTransfer } from '@hydra-gateway/protocol/fragments'

/** A fragment that has come to something; times in ms since the page began. */
export interface Concluded {
  readonly node: FragmentNode
  /** Names as they were filled in. */
  readonly service: string
  readonly ref: string
  /** Of the service that made the page, where that one rendered it. */
  readonly version: string | number | undefined
  readonly wave: number
  readonly startMs: number
  readonly endMs: number
  readonly html: string | undefined
  readonly reason: FallbackReason | undefined
}

/** Puts it into the words of X-ray. */
export function reportOf(concluded: Concluded): FragmentReport {
  const { node, service, ref, version, wave, startMs, endMs, html, reason } = concluded
  return {
    id: `f${node.index}`,
    service,
    ref,
    ...(version !== undefined && { version, via: 'self' as const }),
    wave,
    startMs,
    durationMs: endMs - startMs,
    bytes: html === undefined ? 0 : Buffer.byteLength(html),
    imports: node.imports.map(formatTransfer),
    exports: node.exports.map(formatTransfer),
    ...(reason && { reason }),
  }
}
