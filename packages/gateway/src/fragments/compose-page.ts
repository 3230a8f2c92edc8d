/**
 * One page on its way from a service to a visitor: its text goes on as it comes, its fragments are put in where they
 * stand, in the order of the document. Here is when it begins, goes on, and ends.
 *
 * ```
 * service ─→ page-parts ─→ page-queue ─→ page-writer ─→ visitor
 *               │ tags       ▲ what stands behind a fragment that is not there yet waits here
 *               ▼            │
 *            page-holes ─────┘ filled by a resolution, in any order
 * ```
 *
 * Text is never copied unless it has to wait. How a page is cut into pieces changes nothing but where its
 * assets stand.
 *
 * @module
 */
import { requiredFailedBlock } from '@hydra-gateway/protocol/fragments'
import type { Composition } from '../proxy/composition.ts'
import { SENT, type Taken } from '../proxy/wire.ts'
import { verdictOf } from './hold.ts'
import { PageHoles } from './page-holes.ts'
import type { PageDeps, PageOptions } from './page-options.ts'
import { createPageParts, type PageParts } from './page-parts.ts'
import { PageQueue } from './page-queue.ts'
import { BODY_END, HEAD_END, type PageItem, PageWriter } from './page-writer.ts'
import type { Outcome } from './port.ts'

/** Until the connection of a broken page is cut: what was said before is on its way that long. */
const CUT_AFTER_MS = 250

export class ComposedPage implements Composition {
  onDrain: (() => void) | undefined = undefined
  readonly #deps: PageDeps
  readonly #options: PageOptions
  readonly #parts: PageParts
  readonly #queue = new PageQueue<PageItem>()
  readonly #holes: PageHoles
  readonly #writer: PageWriter
  /** Before the page began. */
  readonly #settled: Outcome[] = []
  #isAdvancing = false
  #isScheduled = false
  #isBegun: boolean
  /** The service's answer ended. */
  #isWhole = false
  #isFinished = false
  #isOver = false
  /** A required fragment, or ourselves, broke it. */
  #broken: Outcome | 'fault' | undefined = undefined

  constructor(deps: PageDeps, options: PageOptions) {
    const { settings } = deps
    this.#deps = deps
    this.#options = options
    this.#isBegun = !options.holds
    this.#holes = new PageHoles(deps, options, this.#queue, (outcome) => this.#onSettled(outcome))
    this.#writer = new PageWriter(options, this.#queue, this.#holes)
    this.#parts = createPageParts(
      {
        onText: (bytes) => this.#queue.push(bytes),
        onFragment: (part) => this.#holes.add(part),
        onAttributes: (json, at) => this.#holes.setAttributes(json, at),
        onHeadEnd: () => this.#queue.push(HEAD_END),
        onBodyEnd: () => this.#queue.push(BODY_END),
        onDropped: (what, at, detail) => this.#holes.note(what, at, detail),
        onTagWarnings: options.onTagWarnings,
      },
      { text: options.text, site: options.site, maxFallbackBytes: settings.maxFallbackBytes },
    )
    options.output.onDrain = () => this.#advance()
    options.exchange.onEnd((outcome) => this.#end(outcome === 'finished'))
    if (this.#isBegun) options.begin([])
  }

  get isBlocked(): boolean {
    // What is read ahead is read whatever the visitor takes: fragments start at once, and before the end of it
    // it is not known what one that waits may still get.
    if (this.#isOver || !this.#holes.isAheadClosed) return false
    return this.#options.output.isBlocked || this.#queue.bytes > this.#deps.settings.maxHeldBytes
  }

  write(bytes: Buffer): Taken {
    if (this.#isOver || this.#broken) return SENT
    this.#writer.taken = SENT
    try {
      this.#parts.write(bytes)
      this.#pump()
    } catch (error) {
      this.#fault(error)
    }
    this.#queue.keep()
    return this.#writer.taken
  }

  finish(): void {
    if (this.#isOver || this.#broken) return
    this.#isWhole = true
    try {
      this.#parts.end()
      this.#pump()
    } catch (error) {
      this.#fault(error)
    }
    this.#queue.keep()
  }

  flush(): void {
    if (!this.#isOver) this.#advance()
  }

  cancel(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#holes.cancel()
    this.#queue.clear()
  }

  #end(isWhole: boolean): void {
    const { hasFallbacks, declared } = this.#holes
    if (!this.#isOver) this.#options.onEnd(!isWhole ? 'left' : hasFallbacks ? 'fallbacks' : 'whole', declared)
    this.cancel()
  }

  /** Does everything that can be done now: asks for fragments, writes what is there, tells the service to go on. */
  #advance(): void {
    if (this.#isAdvancing || this.#isOver) return
    this.#isAdvancing = true
    try {
      // Others may write while fragments are asked for: what is joined leaves before.
      this.#options.output.flush()
      this.#ask()
      this.#openGate()
      this.#pump()
    } catch (error) {
      this.#fault(error)
    }
    this.#isAdvancing = false
    if (this.#isOver) return
    if (this.#broken) {
      this.#break(this.#broken)
      return
    }
    this.#options.output.flush()
    if (this.#isOver || this.isBlocked) return
    const { onDrain } = this
    this.onDrain = undefined
    onDrain?.()
  }

  #ask(): void {
    const { readAheadBytes } = this.#deps.settings
    const isPast = this.#parts.toldBytes >= readAheadBytes && this.#parts.openAt >= readAheadBytes
    if (this.#isWhole || isPast) this.#holes.closeAhead()
    this.#holes.ask()
  }

  /** A held page leaves, or is answered otherwise. */
  #openGate(): void {
    if (this.#isBegun || this.#isOver) return
    const verdict = verdictOf(this.#holes.ahead)
    if (typeof verdict === 'object') {
      const outcome = verdict.failed.outcome!
      this.#isOver = true
      this.#holes.cancel()
      this.#options.leaveService()
      this.#options.onEnd('refused', [])
      this.#options.refuse(outcome)
    } else if (verdict === 'go' && this.#holes.isAheadClosed) {
      this.#isBegun = true
      this.#options.begin(this.#settled)
    }
  }

  #onSettled(outcome: Outcome): void {
    if (!this.#isBegun) this.#settled.push(outcome)
    this.#schedule()
  }

  /** Those that come in one turn of the loop, each from a service of its own, leave in one write. */
  #schedule(): void {
    if (this.#isScheduled || this.#isAdvancing) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#advance()
    })
  }

  /** Writes what may leave by now, and says when that was all. */
  #pump(): void {
    if (!this.#isBegun || this.#isOver || this.#broken) return
    const failed = this.#writer.pump()
    if (failed) this.#broken = failed
    if (!this.#isWhole || !this.#queue.isEmpty || this.#isFinished) return
    this.#isFinished = true
    this.#options.output.finish()
  }

  #fault(error: unknown): void {
    const { exchange } = this.#options
    this.#deps.log.error({ exchange: exchange.id, err: error }, 'composing a page failed')
    this.#broken ??= 'fault'
  }

  /** The page can't be shown as it should: says so where it ends, and cuts the connection. */
  #break(why: Outcome | 'fault'): void {
    const { exchange, output, text, leaveService, onEnd, refuse } = this.#options
    this.#isOver = true
    this.#holes.cancel()
    this.#queue.clear()
    const report = why === 'fault' ? undefined : why.report
    this.#deps.log.warn(
      {
        exchange: exchange.id,
        fragment: report && `${report.service}#${report.ref}`,
        reason: report?.reason ?? 'fault',
      },
      'page cut',
    )
    leaveService()
    onEnd('broken', [])
    if (!this.#isBegun && why !== 'fault') refuse(why)
    else if (!this.#isBegun) exchange.abort()
    else {
      output.write(text.encode(requiredFailedBlock()))
      output.flush()
      const stop = this.#deps.clock.after(CUT_AFTER_MS, () => exchange.abort())
      exchange.onEnd(stop)
    }
  }
}
