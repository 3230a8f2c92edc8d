/**
 * What leaves of one page: its text, and its fragments with what stands around them, up to one that is not there.
 *
 * @module
 */
import {
  createPageAssets,
  liveComments,
  mayHoldSiteTags,
  rewriteSiteTags,
} from '@hydra-gateway/protocol/fragments'
import { SENT, type Taken } from '../proxy/wire.ts'
import type { Hole } from './page-hole.ts'
import type { PageHoles } from './page-holes.ts'
import type { PageOptions } from './page-options.ts'
import type { PageQueue } from './page-queue.ts'
import type { Outcome } from './port.ts'

/** Where `</head>` begins, and `</body>`, or the page ends. */
export const HEAD_END = 1
export const BODY_END = 2

/** What waits in the queue of a page beside its text. */
export type PageItem = Hole | typeof HEAD_END | typeof BODY_END

type WriterOptions = Pick<PageOptions, 'output' | 'text' | 'site' | 'xray' | 'assetsOf'>

export class PageWriter {
  /** HELD when the output still uses memory it was given; whoever gives the next piece sets it back. */
  taken: Taken = SENT
  readonly #options: WriterOptions
  readonly #queue: PageQueue<PageItem>
  readonly #holes: Pick<PageHoles, 'all' | 'forget'>
  readonly #assets = createPageAssets()

  constructor(options: WriterOptions, queue: PageQueue<PageItem>, holes: Pick<PageHoles, 'all' | 'forget'>) {
    this.#options = options
    this.#queue = queue
    this.#holes = holes
  }

  /**
   * Writes what can be written, up to a fragment that is not there. Returns the outcome of a required one that failed:
   * the page ends in front of it.
   */
  pump(): Outcome | undefined {
    const queue = this.#queue
    const { output } = this.#options
    while (!output.isBlocked) {
      const item = queue.first
      if (item === undefined) break
      if (Buffer.isBuffer(item)) {
        queue.shift()
        this.#put(item)
      } else if (item === HEAD_END) {
        queue.shift()
        this.#closeHead()
      } else if (item === BODY_END) {
        queue.shift()
        if (this.#options.xray) this.#putText(this.#options.xray.end())
      } else {
        const { outcome, tag } = item
        if (outcome === undefined) break
        if (outcome.html !== undefined) this.#putFragment(item, outcome, outcome.html)
        else if (tag.required) return outcome
        else this.#showFallback(item, outcome)
      }
    }
    return undefined
  }

  #putFragment({ index, mark, sizeBytes }: Hole, outcome: Outcome, html: string): void {
    const { site, xray } = this.#options
    const live = mark === undefined ? undefined : liveComments(mark, true)
    this.#queue.shift()
    this.#queue.reserve(-html.length - sizeBytes)
    if (live) this.#putText(live.begin)
    if (xray) this.#putText(xray.before(outcome))
    this.#putText(this.#assets.before(this.#options.assetsOf(outcome)))
    this.#putText(site && mayHoldSiteTags(html) ? rewriteSiteTags(html, site) : html)
    if (xray) this.#putText(xray.after(outcome))
    if (live) this.#putText(live.end)
    this.#holes.forget(index)
  }

  /** Its fallback stands in the queue where it stood: there may be fragments in it. */
  #showFallback({ index, mark, fallback, sizeBytes }: Hole, outcome: Outcome): void {
    // Nobody was asked for one beyond the most a page may have: it has no id.
    const xray = index < 0 ? undefined : this.#options.xray
    const shown: (Buffer | Hole)[] = [...fallback]
    if (xray) {
      shown.unshift(this.#encode(xray.before(outcome)))
      shown.push(this.#encode(xray.after(outcome)))
    }
    if (mark !== undefined) {
      const { begin, end } = liveComments(mark, false)
      shown.unshift(this.#encode(begin))
      shown.push(this.#encode(end))
    }
    this.#queue.reserve(-sizeBytes)
    for (const item of shown) this.#queue.reserve(Buffer.isBuffer(item) ? item.length : item.sizeBytes)
    this.#queue.replace(shown)
  }

  /** What is known by now of the fragments' assets stands in the head. Nothing waits for more. */
  #closeHead(): void {
    for (const hole of this.#holes.all) {
      if (hole?.outcome === undefined) this.#assets.ready(hole?.declared ?? [])
      else if (hole.outcome.html !== undefined) this.#assets.ready(this.#options.assetsOf(hole.outcome))
    }
    this.#putText(this.#assets.closeHead())
  }

  #putText(text: string): void {
    if (text !== '') this.#put(this.#encode(text))
  }

  #encode(text: string): Buffer {
    return this.#options.text.encode(text)
  }

  #put(bytes: Buffer): void {
    const taken = this.#options.output.write(bytes)
    if (taken !== SENT) this.taken = taken
  }
}
