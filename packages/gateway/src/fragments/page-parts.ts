/**
 * A page in pieces: text, and fragments with what is shown when nobody renders them, in the order of the document.
 *
 * A fragment is known when its end tag came, so that one without an end, or with a fallback too large to keep, is found
 * out before anybody is asked: its tags are left out, and what stands between them is page like the rest.
 *
 * @module
 */
import {
  createScanner,
  FragmentError,
  type FragmentTag,
  neverClosed,
  OVERSIZED,
  type Position,
} from '@hydra-gateway/protocol/fragments'
import type { PageText } from './page-text.ts'
import { createTagReader, type PageTag } from './tag-reader.ts'

/** A fragment as it stands in the page. Fallbacks are copies. */
export interface FragmentPart {
  readonly tag: FragmentTag
  /** Of its `<` in the page. */
  readonly offset: number
  /** Of its start tag, as it is written. */
  readonly tagBytes: number
  readonly fallback: readonly Part[]
}
export type Part = Buffer | FragmentPart

export type DroppedPart =
  | 'tag-syntax'
  | 'tag-too-large'
  | 'tag-too-deep'
  | 'unclosed'
  | 'fallback-too-large'
  | 'attributes-too-large'

export interface PartsHandler {
  /** Page as it is; valid during the call only unless it is a copy. */
  onText(bytes: Buffer, isCopy: boolean): void
  onFragment(part: FragmentPart): void
  onAttributes(json: string, at: Position): void
  onHeadEnd(): void
  onBodyEnd(): void
  /** A tag is left out, or stands in the page as it was written. */
  onDropped(what: DroppedPart, at: Position, detail: string | undefined): void
  /** A tag holds what is likely a mistake: its text, and sentences. Each time it stands in a page. */
  onTagWarnings(at: Position, tag: string, warnings: readonly string[]): void
}

export interface PageParts {
  write(bytes: Buffer): void
  end(): void
  /** Where the fragment begins that has no end yet; infinite without one. */
  readonly openAt: number
  /** Bytes of the page that were told so far, or less: never counts what may still be part of a tag. */
  readonly toldBytes: number
}

/** A fragment that has no end yet. Without a tag it was left out, and only its content counts. */
interface OpenPart {
  readonly tag: FragmentTag | undefined
  /** Of its name: `m` in `<m:fragment …>`. */
  readonly prefix: string
  readonly offset: number
  readonly tagBytes: number
  readonly fallback: Part[]
}

export interface PartsOptions {
  readonly text: PageText
  readonly maxFallbackBytes: number
}

/** Of all pages in this process: tags hold nothing of a visitor. */
const readPageTag = createTagReader()

/** Takes one page apart. */
export function createPageParts(handler: PartsHandler, { text, maxFallbackBytes }: PartsOptions): PageParts {
  /** The outermost first. */
  const open: OpenPart[] = []
  let openBytes = 0
  let toldBytes = 0
  let current: Buffer | undefined
  const places = createPlaces()

  /** Puts content where it belongs: into the fragment around it, or into the page. */
  function place(part: Part): void {
    const around = open.at(-1)
    if (around) around.fallback.push(part)
    else if (Buffer.isBuffer(part)) handler.onText(part, true)
    else handler.onFragment(part)
  }

  /** The outermost fragment is none: what it holds belongs to the page, and the next one is the outermost. */
  function unwrap(): void {
    const outermost = open.shift()!
    const next = open[0]
    // What counted as content of the one around it does no more.
    openBytes = next ? openBytes - next.tagBytes : 0
    for (const part of outermost.fallback) {
      if (Buffer.isBuffer(part)) handler.onText(part, true)
      else handler.onFragment(part)
    }
  }

  /** What is open holds so much more. */
  function grow(bytes: number): void {
    if (open.length === 0) return
    openBytes += bytes
    if (openBytes > maxFallbackBytes) unwrapLarge()
  }

  function unwrapLarge(): void {
    while (open.length > 0 && (openBytes > maxFallbackBytes || open[0]!.tag === undefined)) {
      const [outermost] = open as [OpenPart]
      if (outermost.tag) {
        const detail = `its fallback has more than ${maxFallbackBytes} bytes (fragments.maxFallbackBytes)`
        handler.onDropped('fallback-too-large', outermost.tag.at, detail)
      }
      openBytes -= sizeOf(outermost.fallback)
      unwrap()
    }
  }

  function readTag(bytes: Uint8Array, from: number, to: number, offset: number): PageTag | undefined {
    const at = places.at(offset)
    try {
      const written = text.decode(bytes.subarray(from, to))
      const read = readPageTag(written, at)
      if (read.warnings.length > 0) handler.onTagWarnings(at, written, read.warnings)
      return read
    } catch (error) {
      if (!(error instanceof FragmentError)) throw error
      handler.onDropped('tag-syntax', error.at ?? at, error.message)
      return undefined
    }
  }

  const scanner = createScanner(
    {
      onText(bytes, from, to) {
        if (from === to) return
        toldBytes += to - from
        const isLent = bytes === current
        if (open.length === 0 && isLent) {
          handler.onText(from === 0 && to === bytes.length ? current! : current!.subarray(from, to), false)
          return
        }
        place(Buffer.from(bytes.subarray(from, to)))
        grow(to - from)
      },
      onFragmentStart(bytes, from, to, isSelfClosing, offset) {
        const tagBytes = to - from
        toldBytes += tagBytes
        const { tag, prefix = '' } = readTag(bytes, from, to, offset) ?? {}
        const isInside = open.length > 0
        if (isSelfClosing) {
          if (tag) place({ tag, offset, tagBytes, fallback: [] })
        } else if (tag || isInside) open.push({ tag, prefix, offset, tagBytes, fallback: [] })
        // One that is left out holds nothing back: its end tag finds nothing open here.
        if (isInside && (tag || !isSelfClosing)) grow(tagBytes)
      },
      onFragmentEnd(_bytes, from, to) {
        toldBytes += to - from
        const closed = open.pop()
        if (!closed) return
        const { tag, offset, tagBytes, fallback } = closed
        if (tag) place({ tag, offset, tagBytes, fallback })
        else {
          openBytes -= tagBytes
          for (const part of fallback) place(part)
        }
        if (open.length === 0) openBytes = 0
      },
      onAttributes(json, offset) {
        handler.onAttributes(text.decode(json), places.at(offset))
      },
      onHeadEnd() {
        if (open.length === 0) handler.onHeadEnd()
      },
      onBodyEnd() {
        unwrapAll()
        handler.onBodyEnd()
      },
    },
    {
      onOversize: (what, offset) => handler.onDropped(OVERSIZE[what], places.at(offset), OVERSIZED[what]),
    },
  )

  function unwrapAll(): void {
    while (open.length > 0) {
      const [{ tag, prefix }] = open as [OpenPart]
      if (tag) handler.onDropped('unclosed', tag.at, neverClosed(prefix))
      unwrap()
    }
  }

  return {
    write(bytes) {
      current = bytes
      places.begin(bytes)
      scanner.write(bytes)
      current = undefined
    },
    end() {
      scanner.end()
      unwrapAll()
    },
    get openAt() {
      return open[0]?.offset ?? Number.POSITIVE_INFINITY
    },
    get toldBytes() {
      return toldBytes
    },
  }
}

const OVERSIZE = {
  tag: 'tag-too-large',
  depth: 'tag-too-deep',
  attributes: 'attributes-too-large',
} as const

/** Bytes of a fallback, tags and all: each of them costs memory too. */
export function sizeOf(parts: readonly Part[]): number {
  let size = 0
  for (const part of parts)
    size += Buffer.isBuffer(part) ? part.length : part.tagBytes + sizeOf(part.fallback)
  return size
}

const LF = 0x0a

/** Lines and columns of a page that is gone when it was read; counted only up to where somebody asks. */
function createPlaces() {
  let bytes: Buffer = Buffer.alloc(0)
  /** Offset of `bytes` in the page; what was counted so far, the line it is in, and where that begins. */
  let base = 0
  let counted = 0
  let line = 1
  let lineAt = 0

  function count(to: number): void {
    for (;;) {
      const found = bytes.indexOf(LF, counted - base)
      if (found < 0 || base + found >= to) break
      line++
      lineAt = base + found + 1
      counted = lineAt
    }
    counted = Math.max(counted, to)
  }

  return {
    begin(next: Buffer): void {
      count(base + bytes.length)
      base += bytes.length
      bytes = next
    },
    /** A place that was passed is said as the latest one known. */
    at(offset: number): Position {
      if (offset > counted) count(offset)
      return { line, column: Math.max(1, offset - lineAt + 1) }
    },
  }
}
