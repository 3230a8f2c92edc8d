/**
 * What it costs to look for fragment tags in a page, alone: `node --conditions=hydra-source bench/codec/scanner.ts`.
 *
 * CPU time, not time: each figure is the median over rounds that take turns. Nothing is done with what is found, so
 * this is what a page pays for being looked at.
 *
 * @module
 */
import { createScanner } from '@hydra-gateway/protocol/fragments'
import { fragmentPage, shopPage, tablePage, textPage } from './scanner-pages.ts'

export interface ScanRow {
  readonly page: string
  readonly bytes: number
  readonly pieceBytes: number
  readonly megabytesPerSecond: number
  readonly bestMegabytesPerSecond: number
  readonly microsPerPage: number
}

const PAGE_BYTES = 100_000
const ROUNDS = 41
/** The first rounds warm up. */
const COLD_ROUNDS = 10
const ROUND_BYTES = 4_000_000

const pages = {
  'shop list': shopPage,
  article: textPage,
  'table of short cells': tablePage,
  'shop list with fragments': fragmentPage,
} as const
const PIECES = [PAGE_BYTES * 2, 16_384, 1460]

let seen = 0
const handler = {
  onText(_: Uint8Array, from: number, to: number): void {
    seen += to - from
  },
  onFragmentStart(_: Uint8Array, from: number, to: number): void {
    seen += to - from
  },
  onFragmentEnd(_: Uint8Array, from: number, to: number): void {
    seen += to - from
  },
  // Menus and marked links, as whoever composes pages looks for them.
  onMenuStart(): void {},
  onMenuEnd(): void {},
  onLink(): void {},
  onAttributes(): void {},
  onHeadEnd(): void {},
  onBodyEnd(): void {},
}

/** Takes a few seconds. */
export function benchScanner(): readonly ScanRow[] {
  const cases = Object.entries(pages).flatMap(([page, make]) => {
    const bytes = make(PAGE_BYTES)
    return PIECES.map((pieceBytes) => ({
      page,
      bytes,
      pieces: cut(bytes, pieceBytes),
      pieceBytes,
      micros: [0],
    }))
  })
  for (let round = -COLD_ROUNDS; round < ROUNDS; round += 1) {
    for (const one of cases) {
      const times = Math.ceil(ROUND_BYTES / one.bytes.length)
      seen = 0
      const began = process.cpuUsage()
      for (let i = 0; i < times; i += 1) scanPieces(one.pieces)
      const { user, system } = process.cpuUsage(began)
      if (seen !== times * one.bytes.length) throw new Error('bytes were lost')
      if (round >= 0) one.micros[round] = (user + system) / times
    }
  }
  return cases.map(({ page, bytes, pieceBytes, micros }) => {
    const sorted = micros.toSorted((a, b) => a - b)
    const median = sorted[sorted.length >> 1]!
    return {
      page,
      bytes: bytes.length,
      pieceBytes: Math.min(pieceBytes, bytes.length),
      megabytesPerSecond: bytes.length / median,
      bestMegabytesPerSecond: bytes.length / sorted[0]!,
      microsPerPage: median,
    }
  })
}

function scanPieces(pieces: readonly Buffer[]): void {
  const scanner = createScanner(handler)
  for (const piece of pieces) scanner.write(piece)
  scanner.end()
}

function cut(page: Buffer, pieceBytes: number): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0; at < page.length; at += pieceBytes) pieces.push(page.subarray(at, at + pieceBytes))
  return pieces
}

if (import.meta.main) {
  for (const row of benchScanner()) {
    const { page, pieceBytes, megabytesPerSecond, bestMegabytesPerSecond, microsPerPage } = row
    console.log(
      `${page.padEnd(26)} pieces of ${String(pieceBytes).padStart(6)} ${megabytesPerSecond.toFixed(0).padStart(6)} MB/s (best ${bestMegabytesPerSecond.toFixed(0)}) ${microsPerPage.toFixed(0).padStart(5)} µs`,
    )
  }
}
