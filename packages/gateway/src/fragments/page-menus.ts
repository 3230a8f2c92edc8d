/**
 * Menus and links of a page: text as soon as they are read, since what they say is known at once.
 *
 * A menu is known when its end tag came, like a fragment, so that one without an end hides nothing of the page.
 *
 * @module
 */
import { menuTags } from '@hydra-gateway/protocol'
import {
  FRAGMENT_IN_MENU,
  type MenuTag,
  readMenuTag,
  rewriteLink,
  type ScanHandler,
  type SiteTags,
} from '@hydra-gateway/protocol/fragments'
import { type OpenParts, type Part, sizeOf } from './page-open.ts'
import type { PartsHandler } from './page-parts.ts'
import type { PagePlaces } from './page-places.ts'
import { ofBytes, type PageText } from './page-text.ts'

export interface MenuPartsOptions {
  readonly site: SiteTags
  readonly text: PageText
  readonly places: PagePlaces
  readonly open: OpenParts
  readonly handler: Pick<PartsHandler, 'onDropped' | 'onTagWarnings'>
  /** The scanner's text, as it is. */
  readonly onText: ScanHandler['onText']
  /** Bytes of the page that are no text. */
  readonly onTold: (bytes: number) => void
}

/** What the scanner is told for the menus and links of one page. */
export function createMenuParts({
  site,
  text,
  places,
  open,
  handler,
  onText,
  onTold,
}: MenuPartsOptions): Required<Pick<ScanHandler, 'onMenuStart' | 'onMenuEnd' | 'onLink'>> {
  const alphabet = ofBytes(text)

  function read(bytes: Uint8Array, offset: number) {
    const written = text.decode(bytes)
    const { tag, prefix, faults, warnings } = readMenuTag(written, places.at(offset))
    if (warnings.length > 0) {
      const sentences = warnings.map(({ sentence }) => sentence)
      handler.onTagWarnings(tag.at, written, sentences)
    }
    const [fault] = faults
    if (fault) handler.onDropped('tag-syntax', fault.at, fault.sentence)
    return { prefix, menu: fault ? undefined : tag }
  }

  function put(menu: MenuTag, fallback: readonly Part[]): void {
    const markup = site.menu(menu)
    if (markup !== undefined) {
      open.put(text.encode(markup))
      return
    }
    // What stands around a fallback is copied with it: of those in each other the outermost is enough.
    if (open.isInMenu) {
      putFallback(fallback)
      return
    }
    // Nobody has it yet: an open page finds the place when somebody has.
    const { begin, end } = menuTags(menu)
    open.put(text.encode(begin))
    putFallback(fallback)
    open.put(text.encode(end))
  }

  function putFallback(parts: readonly Part[]): void {
    for (const part of parts) {
      if (Buffer.isBuffer(part)) open.put(part)
      else {
        handler.onDropped('tag-syntax', part.tag.at, FRAGMENT_IN_MENU)
        putFallback(part.fallback)
      }
    }
  }

  return {
    onMenuStart(bytes, from, to, isSelfClosing, offset) {
      const tagBytes = to - from
      onTold(tagBytes)
      const { menu, prefix } = read(bytes.subarray(from, to), offset)
      if (!isSelfClosing) open.begin({ menu, prefix, offset, tagBytes, fallback: [] })
      else if (menu) put(menu, [])
    },
    onMenuEnd(_bytes, from, to) {
      onTold(to - from)
      const ended = open.end()
      if (!ended) return
      const { menu, tagBytes, fallback } = ended
      open.grow(-tagBytes)
      if (!menu) {
        for (const part of fallback) open.place(part)
        return
      }
      open.grow(-sizeOf(fallback))
      put(menu, fallback)
    },
    onLink(bytes, from, to) {
      const written = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1')
      const rewritten = rewriteLink(written, site.link, alphabet)
      if (rewritten === undefined) return onText(bytes, from, to)
      onTold(to - from)
      open.put(Buffer.from(rewritten, 'latin1'))
    },
  }
}
