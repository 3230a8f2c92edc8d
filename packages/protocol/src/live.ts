/**
 * Live: what an open page is told while it is open, over one stream of server-sent events at `/_hydra/live`.
 *
 * A page asks for what it shows: `?menu=main&link=/orders/7&fragment=<mark>`, each as often as it needs. The first event
 * `state` says all of it; each later one says the parts that changed, whole. The last state wins: whoever reads slowly
 * misses states in between and never the last one.
 *
 * @module
 */
import { z } from 'zod'
import { linkView, menuViewItem } from './menu.ts'

export const LIVE_PATH = '/_hydra/live'
export const LIVE_SCRIPT_PATH = '/_hydra/live.js'
/** What the script loads where a fragment has come back. */
export const LIVE_FRAGMENTS_PATH = '/_hydra/live-fragments.js'
export const MENUS_PATH = '/_hydra/menus/'

/** Data of an event `state`. */
export const liveState = z.object({
  menus: z.record(z.string(), z.array(menuViewItem)).optional(),
  links: z.record(z.string(), linkView).optional(),
  fragments: z
    .record(z.string(), z.boolean())
    .optional()
    .describe('By mark, as it stands in the page: whether somebody renders it now.'),
  spreadMs: z
    .number()
    .optional()
    .describe('In the first state: time over which open pages fetch a fragment again that has come back.'),
  beatMs: z
    .number()
    .optional()
    .describe(
      'In the first state: the page hears something at least this often, an event `beat` when nothing else. One that hears nothing for longer than twice that opens its stream again.',
    ),
})
export type LiveState = z.output<typeof liveState>

/**
 * Each `state` has an id (`id: …`): a fingerprint of all the page knows then, letters, digits, `-` and `_`. A page that
 * opens its stream again with the same wishes says `have=<id>`; where that is still how things are, the first `state`
 * has the same id and says only `spreadMs` and `beatMs`, so that nothing is sent twice.
 *
 * Further events: `renew` (the sign-in of this stream has run out, its session may go on: ask `/_hydra/session`, then
 * open another), `bye` (the stream ends on purpose; data is `{"afterMs":n}`, come back after that), `beat` (nothing new:
 * `event: beat` and an empty `data:`, since pages are not told of comments).
 */
export type LiveEvent = 'state' | 'renew' | 'bye' | 'beat'

/** Attribute of a link whose path is kept true: `<a m:link href>` becomes `<a data-hydra-link="/path" …>`. */
export const LINK_MARK = 'data-hydra-link'

/**
 * Comments around the place of a fragment whose tag has `live`, in pages that were asked for with GET:
 *
 * ```
 * <!--hydra:live MARK-->…<!--/hydra:live-->    its fallback: the page waits for it
 * <!--hydra:shown MARK-->…<!--/hydra:live-->   the fragment: so that a page that waits finds the place in the new one
 * ```
 *
 * The mark names the fragment and proves that a page asked for it: `service.ref.occurrence.proof`, each part
 * percent-encoded. It is the same in both, and from one rendering of a page to the next.
 */
export const FRAGMENT_OPEN = 'hydra:live '
export const FRAGMENT_SHOWN = 'hydra:shown '
export const FRAGMENT_CLOSE = '/hydra:live'

/** Header of the request by which an open page fetches its own address again, for a fragment that has come back. */
export const FRAGMENT_FETCH_HEADER = 'hydra-live'

/** Purpose of the key that proves marks: HKDF-SHA-256 of the private key with this as its info, 32 bytes. */
export const FRAGMENT_MARK_LABEL = 'hydra-gateway fragment mark 1'

/** Longer marks are none. */
const MOST_MARK_LENGTH = 2048

/** What a mark says. */
export interface FragmentMarkParts {
  readonly service: string
  readonly ref: string
  /** Which of several of the same fragment in one page, from 0. */
  readonly occurrence: number
}

/**
 * A mark. `prove` signs its text: HMAC-SHA-256, the first 128 bits in base64url. Neither a comment nor an address can be
 * ended by anything in it.
 */
export function formatFragmentMark(
  { service, ref, occurrence }: FragmentMarkParts,
  prove: (text: string) => string,
): string {
  const text = [service, ref, String(occurrence)].map(escapePart).join('.')
  return `${text}.${escapePart(prove(text))}`
}

/** What a mark says, if `isProof` takes its proof; undefined for anything else. */
export function parseFragmentMark(
  mark: string,
  isProof: (text: string, proof: string) => boolean,
): FragmentMarkParts | undefined {
  if (mark.length > MOST_MARK_LENGTH || !MARK.test(mark)) return undefined
  const end = mark.lastIndexOf('.')
  const text = mark.slice(0, end)
  try {
    if (!isProof(text, decodeURIComponent(mark.slice(end + 1)))) return undefined
    const [service, ref, occurrence] = text.split('.').map(decodeURIComponent) as [string, string, string]
    return { service, ref, occurrence: Number(occurrence) }
  } catch {
    // An escape that is none.
    return undefined
  }
}

const MARK = /^[\w~*'()%]+\.[\w~*'()%]+\.\d{1,6}\.[\w%]+$/

/** The dot stands between parts, and two hyphens or `!` could end a comment. */
function escapePart(part: string): string {
  return encodeURIComponent(part.toWellFormed()).replace(
    /[-.!]/g,
    (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
