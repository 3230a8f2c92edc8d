/**
 * Menus and links in HTML that is there as a whole, such as that of a fragment: put in and rewritten where they stand.
 *
 * @module
 */
import { menuTags } from '../menu-markup.ts'
import { type JudgeLink, rewriteLink } from './link-tag.ts'
import { type MenuTag, readMenuTag } from './menu-tag.ts'
import { createScanner } from './scanner.ts'

/** The site through the eyes of whom a page is for. */
export interface SiteTags {
  /** Markup of a menu; undefined while there is no such menu: its fallback stands in its element. */
  menu(tag: Pick<MenuTag, 'name' | 'class' | 'id' | 'current'>): string | undefined
  readonly link: JudgeLink
}

/** Whether HTML may hold menus and marked links: nearly no fragment's does, and what may is looked at by a scanner. */
export function mayHoldSiteTags(html: string): boolean {
  return SIGN.test(html)
}

const SIGN = /:(?:menu|link)[\t\n\f\r />=]/i

/** A menu whose end has not come yet; the HTML itself at the bottom. What is added to a text costs the same however long it is. */
interface Level {
  text: string
  /** Undefined where it is nobody's, or no menu. */
  readonly markup: string | undefined
  readonly tag: MenuTag | undefined
}

const START = { line: 1, column: 1 }

/** Puts menus in and rewrites links. Menu tags that say nothing, or never end, are left out: their fallback is shown. */
export function rewriteSiteTags(html: string, site: SiteTags): string {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  const levels: Level[] = [{ text: '', markup: undefined, tag: undefined }]
  const put = (text: string): void => {
    levels.at(-1)!.text += text
  }
  const close = (): void => {
    const { text, markup, tag } = levels.pop()!
    if (markup !== undefined || !tag) {
      put(markup ?? text)
      return
    }
    const { begin, end } = menuTags(tag)
    put(begin)
    put(text)
    put(end)
  }
  const putText = (bytes: Uint8Array, from: number, to: number): void =>
    put(decoder.decode(bytes.subarray(from, to)))
  const scanner = createScanner({
    onText: putText,
    // What fragments there were has been resolved.
    onFragmentStart: putText,
    onFragmentEnd: putText,
    onMenuStart(bytes, from, to, isSelfClosing) {
      const { tag: read, faults } = readMenuTag(decoder.decode(bytes.subarray(from, to)), START)
      const tag = faults.length > 0 ? undefined : read
      levels.push({ text: '', markup: tag && site.menu(tag), tag })
      if (isSelfClosing) close()
    },
    onMenuEnd: close,
    onLink(bytes, from, to) {
      const tag = decoder.decode(bytes.subarray(from, to))
      put(rewriteLink(tag, site.link) ?? tag)
    },
    // It speaks to fragments alone, and is left out as in pages.
    onAttributes() {},
    onHeadEnd() {},
    onBodyEnd() {},
  })
  scanner.write(new TextEncoder().encode(html))
  scanner.end()
  return levels.map(({ text }) => text).join('')
}
