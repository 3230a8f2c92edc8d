/**
 * A fallback that turns back: HTML an operator wrote for the time a service is away, with the script that opens the page
 * again when it has returned. Pure.
 *
 * Nothing else of it is touched. Who wants a page that stays says so in it: `<meta name="hydra-live" content="off">`. One
 * that loads the script itself is left alone, too.
 *
 * @module
 */
import { LIVE_SCRIPT_PATH } from '@hydra-gateway/protocol'

const SCRIPT = `<script src="${LIVE_SCRIPT_PATH}" data-wait async></script>`
const META = /<meta\s[^>]{1,512}>/gi

/** The fallback with the script before the end of its body, or at its end. */
export function livingFallback(html: string): string {
  if (html.includes(LIVE_SCRIPT_PATH) || staysAsItIs(html)) return html
  const end = bodyEnd(html)
  return html.slice(0, end) + SCRIPT + html.slice(end)
}

function staysAsItIs(html: string): boolean {
  return [...html.matchAll(META)].some(
    ([tag]) =>
      /\sname\s*=\s*["']?hydra-live["'\s/>]/i.test(tag) && /\scontent\s*=\s*["']?off["'\s/>]/i.test(tag),
  )
}

/** Of the last `</body`; the end of the text where there is none. */
function bodyEnd(html: string): number {
  for (let at = html.lastIndexOf('</'); at >= 0; at = at === 0 ? -1 : html.lastIndexOf('</', at - 1)) {
    if (/^body[\s/>]/i.test(html.slice(at + 2, at + 7))) return at
  }
  return html.length
}
