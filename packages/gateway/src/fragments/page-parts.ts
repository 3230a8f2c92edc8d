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
  OVERSIZED,
  type Position,
  type SiteTags,
} from '@hydra-gateway/protocol/fragments'
import { createMenuParts } from './page-menus.ts'
import { type FragmentPart, OpenParts } from './page-open.ts'
import { createPlaces } from './page-places.ts'
import type { PageText } from './page-text.ts'
import { createTagReader, type PageTag } from './tag-reader.ts'

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

export interface PartsOptions {
  readonly text: PageText
  /** What menus and links become. Without, they are text like any other. */
  readonly site?: SiteTags | undefined
  readonly maxFallbackBytes: number
}

/** Of all pages in this process: tags hold nothing of a visitor. */
const readPageTag = createTagReader()

/** Takes one page apart. */
export function createPageParts(
  handler: PartsHandler,
  { text, site, maxFallbackBytes }: PartsOptions,
): PageParts {
  const open = new OpenParts(handler, maxFallbackBytes)
  let toldBytes = 0
  let current: Buffer | undefined
  const places = createPlaces()

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

  function onText(bytes: Uint8Array, from: number, to: number): void {
    if (from === to) return
    toldBytes += to - from
    const isLent = bytes === current
    if (open.isEmpty && isLent) {
      handler.onText(from === 0 && to === bytes.length ? current! : current!.subarray(from, to), false)
      return
    }
    open.put(Buffer.from(bytes.subarray(from, to)))
  }

  const onTold = (bytes: number) => {
    toldBytes += bytes
  }
  const scanner = createScanner(
    {
      onText,
      onFragmentStart(bytes, from, to, isSelfClosing, offset) {
        const tagBytes = to - from
        toldBytes += tagBytes
        const { tag, prefix = '' } = readTag(bytes, from, to, offset) ?? {}
        if (!isSelfClosing) open.begin({ tag, prefix, offset, tagBytes, fallback: [] })
        else if (tag) {
          open.place({ tag, offset, tagBytes, fallback: [] })
          open.grow(tagBytes)
        }
      },
      onFragmentEnd(_bytes, from, to) {
        toldBytes += to - from
        const ended = open.end()
        if (!ended) return
        const { tag, offset, tagBytes, fallback } = ended
        if (tag) open.place({ tag, offset, tagBytes, fallback })
        else {
          open.grow(-tagBytes)
          for (const part of fallback) open.place(part)
        }
      },
      ...(site && createMenuParts({ site, text, places, open, handler, onText, onTold })),
      onAttributes(json, offset) {
        handler.onAttributes(text.decode(json), places.at(offset))
      },
      onHeadEnd() {
        if (open.isEmpty) handler.onHeadEnd()
      },
      onBodyEnd() {
        open.unwrapAll()
        handler.onBodyEnd()
      },
    },
    {
      onOversize: (what, offset) => handler.onDropped(OVERSIZE[what], places.at(offset), OVERSIZED[what]),
    },
  )

  return {
    write(bytes) {
      current = bytes
      places.begin(bytes)
      scanner.write(bytes)
      current = undefined
    },
    end() {
      scanner.end()
      open.unwrapAll()
    },
    get openAt() {
      return open.openAt
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
