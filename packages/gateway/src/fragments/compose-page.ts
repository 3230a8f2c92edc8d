/**
 * One page on its way from a service to a visitor: its text goes on as it comes, its fragments are put in where they
 * stand, in the order of the document.
 *
 * ```
 * service ─→ page-parts ─→ queue ─→ visitor
 *               │ tags       ▲ what stands behind a fragment that is not there yet waits here
 *               ▼            │
 *            resolution ─────┘ outcomes, in any order
 * ```
 *
 * Text is never copied unless it has to wait. How a page is cut into pieces changes nothing but where its
 * assets stand.
 *
 * @module
 */
import {
  type Asset,
  createPageAssets,
  type FragmentTag,
  type Position,
  readPageAttributes,
  requiredFailedBlock,
} from '@hydra-gateway/protocol/fragments'
import type { Composition } from '../proxy/composition.ts'
import { SENT, type Taken } from '../proxy/wire.ts'
import { verdictOf } from './hold.ts'
import { type Hole, tooMany } from './page-hole.ts'
import type { PageDeps, PageOptions } from './page-options.ts'
import { createPageParts, type FragmentPart, type PageParts, sizeOf } from './page-parts.ts'
import { PageQueue } from './page-queue.ts'
import type { Outcome, Resolution } from './port.ts'

const HEAD_END = 1
const BODY_END = 2

/** What a required fragment needs that nobody is asked for: any number of them may stand in a page. */
const SURPLUS_BYTES = 1024

/** Until the connection of a broken page is cut: what was said before is on its way that long. */
const CUT_AFTER_MS = 250

export class ComposedPage implements Composition {
  onDrain: (() => void) | undefined = undefined
  readonly #deps: PageDeps
  readonly #options: PageOptions
  readonly #parts: PageParts
  readonly #queue = new PageQueue<Hole | typeof HEAD_END | typeof BODY_END>()
  #taken: Taken = SENT
  #resolution: Resolution | undefined = undefined
  #attributes: Readonly<Record<string, unknown>> | undefined = undefined
  readonly #holes: (Hole | undefined)[] = []
  /** Outermost ones that began in the part of the page that is read ahead. */
  readonly #ahead: Hole[] = []
  readonly #settled: Outcome[] = []
  #tags = 0
  #isAheadClosed = false
  #mayAsk = false
  #isAdvancing = false
  #isScheduled = false
  #isBegun: boolean
  readonly #assets = createPageAssets()
  readonly #declared: Asset[] = []
  /** The service's answer ended. */
  #isWhole = false
  #isFinished = false
  #isOver = false
  /** A required fragment, or ourselves, broke it. */
  #broken: Outcome | 'fault' | undefined = undefined
  #hasFallbacks = false

  constructor(deps: PageDeps, options: PageOptions) {
    const { settings } = deps
    this.#deps = deps
    this.#options = options
    this.#isBegun = !options.holds
    this.#parts = createPageParts(
      {
        onText: (bytes) => this.#queue.push(bytes),
        onFragment: (part) => this.#addOutermost(part),
        onAttributes: (json) => this.#setAttributes(json),
        onHeadEnd: () => this.#queue.push(HEAD_END),
        onBodyEnd: () => this.#queue.push(BODY_END),
        onDropped: (what, at, detail) => this.#note(what, at, detail),
      },
      { text: options.text, maxFallbackBytes: settings.maxFallbackBytes },
    )
    options.output.onDrain = () => this.#advance()
    options.exchange.onEnd((outcome) => this.#end(outcome === 'finished'))
    if (this.#isBegun) options.begin([])
  }

  get isBlocked(): boolean {
    // What is read ahead is read whatever the visitor takes: fragments start at once, and before the end of it
    // it is not known what one that waits may still get.
    if (this.#isOver || !this.#isAheadClosed) return false
    return this.#options.output.isBlocked || this.#queue.bytes > this.#deps.settings.maxHeldBytes
  }

  write(bytes: Buffer): Taken {
    if (this.#isOver || this.#broken) return SENT
    this.#taken = SENT
    try {
      this.#parts.write(bytes)
      this.#pump()
    } catch (error) {
      this.#fault(error)
    }
    this.#queue.keep()
    return this.#taken
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
    this.#resolution?.cancel()
    this.#queue.clear()
  }

  #end(isWhole: boolean): void {
    const { onEnd } = this.#options
    if (!this.#isOver) onEnd(!isWhole ? 'left' : this.#hasFallbacks ? 'fallbacks' : 'whole', this.#declared)
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
    if (!this.#isAheadClosed && (this.#isWhole || isPast)) this.#closeAhead()
    while (this.#mayAsk && !this.#isOver) {
      this.#mayAsk = false
      this.#resolution?.go()
    }
  }

  #closeAhead(): void {
    if (this.#isAheadClosed) return
    this.#isAheadClosed = true
    this.#mayAsk = true
    this.#resolution?.closeAhead()
  }

  /** A held page leaves, or is answered otherwise. */
  #openGate(): void {
    if (this.#isBegun || this.#isOver) return
    const verdict = verdictOf(this.#ahead)
    if (typeof verdict === 'object') {
      const outcome = verdict.failed.outcome!
      this.#isOver = true
      this.#resolution?.cancel()
      this.#options.leaveService()
      this.#options.onEnd('refused', [])
      this.#options.refuse(outcome)
    } else if (verdict === 'go' && this.#isAheadClosed) {
      this.#isBegun = true
      this.#options.begin(this.#settled)
    }
  }

  // ---- what the page has ------------------------------------------------------------------------------------

  #setAttributes(json: string): void {
    if (this.#attributes || this.#tags > 0) {
      this.#note('attributes-late', undefined, 'they stand behind others, or behind a fragment')
      return
    }
    const attributes = readPageAttributes(json)
    if (typeof attributes !== 'string') this.#attributes = attributes
    else {
      this.#attributes = {}
      this.#note('attributes-unreadable', undefined, `its attributes script ${attributes}`)
    }
  }

  #addOutermost(part: FragmentPart): void {
    if (this.#tags >= this.#deps.settings.maxPerPage && !part.tag.required) {
      this.#addSurplus(part)
      return
    }
    const hole = this.#add(part, undefined)
    if (part.offset < this.#deps.settings.readAheadBytes) this.#ahead.push(hole)
    this.#queue.reserve(hole.sizeBytes)
    this.#queue.push(hole)
  }

  /** Nobody will be asked for it: it is its fallback already, and needs no memory of its own. */
  #addSurplus({ tag, offset, fallback }: FragmentPart): void {
    if (offset >= this.#deps.settings.readAheadBytes) this.#closeAhead()
    this.#countSurplus(tag)
    for (const piece of fallback) {
      if (Buffer.isBuffer(piece)) this.#queue.push(piece)
      else this.#addOutermost(piece)
    }
  }

  #countSurplus(tag: FragmentTag): Outcome {
    if (this.#tags++ === this.#deps.settings.maxPerPage) this.#note('too-many', tag.at, undefined)
    this.#hasFallbacks = true
    const outcome = tooMany(tag)
    this.#options.xray?.report(outcome.report)
    return outcome
  }

  #add(part: FragmentPart, parent: number | undefined): Hole {
    const { settings } = this.#deps
    const { tag } = part
    if (part.offset >= settings.readAheadBytes) this.#closeAhead()
    const resolution = this.#open()
    const isTooMany = this.#tags >= settings.maxPerPage
    const surplus = isTooMany ? this.#countSurplus(tag) : undefined
    if (!isTooMany) this.#tags++
    const index = isTooMany ? -1 : resolution.add(tag, parent === undefined ? {} : { parent })
    const nested: Hole[] = []
    const declared = parent === undefined && !isTooMany ? this.#options.declaredAssets(tag) : []
    this.#declared.push(...declared)
    const hole: Hole = {
      index,
      declared,
      tag,
      nested,
      outcome: surplus,
      sizeBytes: sizeOf(part.fallback) + (isTooMany ? SURPLUS_BYTES : 0),
      // Filled below: in the order of the document those inside come after it.
      fallback: [],
    }
    if (!isTooMany) {
      this.#holes[index] = hole
      this.#mayAsk = true
    }
    const fallback = hole.fallback as (Buffer | Hole)[]
    for (const piece of part.fallback) {
      const item = Buffer.isBuffer(piece) ? piece : this.#add(piece, isTooMany ? undefined : index)
      fallback.push(item)
      if (!Buffer.isBuffer(item)) nested.push(item)
    }
    return hole
  }

  #open(): Resolution {
    if (this.#resolution) return this.#resolution
    const { resolver, settings } = this.#deps
    const { context, xray } = this.#options
    this.#resolution = resolver.open({
      context,
      attributes: this.#attributes ?? {},
      budgetMs: settings.pageBudgetMs,
      onReport: xray && ((report) => xray.report(report)),
      onSettled: (outcome) => this.#onSettled(outcome),
    })
    if (this.#isAheadClosed) this.#resolution.closeAhead()
    return this.#resolution
  }

  #onSettled(outcome: Outcome): void {
    const hole = this.#holes[outcome.index]
    if (this.#isOver || !hole || hole.outcome) return
    hole.outcome = outcome
    if (!this.#isBegun) this.#settled.push(outcome)
    if (outcome.html === undefined) this.#hasFallbacks = true
    else this.#queue.reserve(outcome.html.length)
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

  // ---- what leaves ------------------------------------------------------------------------------------------

  /** Writes what can be written, up to a fragment that is not there. */
  #pump(): void {
    if (!this.#isBegun || this.#isOver || this.#broken) return
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
      } else if (item.outcome === undefined) break
      else if (!this.#putFragment(item, item.outcome)) break
    }
    if (!this.#isWhole || !queue.isEmpty || this.#isFinished) return
    this.#isFinished = true
    output.finish()
  }

  /** False: the page ends here. */
  #putFragment(hole: Hole, outcome: Outcome): boolean {
    const { tag, index, fallback } = hole
    if (outcome.html === undefined && tag.required) {
      this.#broken = outcome
      return false
    }
    const xray = index < 0 ? undefined : this.#options.xray
    if (outcome.html === undefined) {
      const shown: (Buffer | Hole)[] = [...fallback]
      if (xray) {
        shown.unshift(this.#encode(xray.before(outcome)))
        shown.push(this.#encode(xray.after(outcome)))
      }
      this.#queue.reserve(-hole.sizeBytes)
      for (const item of shown) this.#queue.reserve(Buffer.isBuffer(item) ? item.length : item.sizeBytes)
      this.#queue.replace(shown)
      return true
    }
    this.#queue.shift()
    this.#queue.reserve(-outcome.html.length - hole.sizeBytes)
    if (xray) this.#putText(xray.before(outcome))
    this.#putText(this.#assets.before(this.#options.assetsOf(outcome)))
    this.#putText(outcome.html)
    if (xray) this.#putText(xray.after(outcome))
    // Its HTML is gone; what else is known of it stays.
    this.#holes[index] = undefined
    return true
  }

  /** What is known by now of the fragments' assets stands in the head. Nothing waits for more. */
  #closeHead(): void {
    for (const hole of this.#holes) {
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
    if (taken !== SENT) this.#taken = taken
  }

  // ---- what goes wrong --------------------------------------------------------------------------------------

  #fault(error: unknown): void {
    const { exchange } = this.#options
    this.#deps.log.error({ exchange: exchange.id, err: error }, 'composing a page failed')
    this.#broken ??= 'fault'
  }

  /** The page can't be shown as it should: says so where it ends, and cuts the connection. */
  #break(why: Outcome | 'fault'): void {
    const { exchange, output, leaveService, onEnd, refuse } = this.#options
    this.#isOver = true
    this.#resolution?.cancel()
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
      output.write(this.#encode(requiredFailedBlock()))
      output.flush()
      const stop = this.#deps.clock.after(CUT_AFTER_MS, () => exchange.abort())
      exchange.onEnd(stop)
    }
  }

  /** Something of the page is left out, or stands in it as it was written. */
  #note(what: string, at: Position | undefined, detail: string | undefined): void {
    const { exchange, context } = this.#options
    const place = at && `${exchange.path}:${at.line}:${at.column}`
    this.#deps.observer.dropped(what, { service: context.service, exchange: exchange.id, place, detail })
  }
}
