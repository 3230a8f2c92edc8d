/**
 * The fragments of one page: its tags become holes in the queue, in the order of the document; they are asked for, and
 * filled as they settle.
 *
 * @module
 */
import {
  type Asset,
  type FragmentTag,
  type Position,
  readPageAttributes,
} from '@hydra-gateway/protocol/fragments'
import { type Hole, tooMany } from './page-hole.ts'
import { type FragmentPart, sizeOf } from './page-open.ts'
import type { PageDeps, PageOptions } from './page-options.ts'
import type { PageQueue } from './page-queue.ts'
import type { Outcome, Resolution } from './port.ts'

/** What a required fragment needs that nobody is asked for: any number of them may stand in a page. */
const SURPLUS_BYTES = 1024

const BEHIND_A_TAG =
  "the page's attributes stand behind a fragment tag; move the script before the first one, into the head"

type HolesOptions = Pick<PageOptions, 'exchange' | 'context' | 'xray' | 'declaredAssets' | 'markOf'>

export class PageHoles {
  readonly #deps: Pick<PageDeps, 'resolver' | 'settings' | 'observer'>
  readonly #options: HolesOptions
  readonly #queue: Pick<PageQueue<Hole>, 'push' | 'reserve'>
  readonly #onSettled: (outcome: Outcome) => void
  #resolution: Resolution | undefined = undefined
  #attributes: Readonly<Record<string, unknown>> | undefined = undefined
  readonly #all: (Hole | undefined)[] = []
  readonly #ahead: Hole[] = []
  readonly #declared: Asset[] = []
  #tags = 0
  #isAheadClosed = false
  #mayAsk = false
  #isOver = false
  #hasFallbacks = false

  /** `onSettled`: one of them, also one inside of another, is filled, or falls back. */
  constructor(
    deps: Pick<PageDeps, 'resolver' | 'settings' | 'observer'>,
    options: HolesOptions,
    queue: Pick<PageQueue<Hole>, 'push' | 'reserve'>,
    onSettled: (outcome: Outcome) => void,
  ) {
    this.#deps = deps
    this.#options = options
    this.#queue = queue
    this.#onSettled = onSettled
  }

  /** By their index, those inside of others too; without those whose HTML has left. */
  get all(): readonly (Hole | undefined)[] {
    return this.#all
  }

  /** Outermost ones that began in the part of the page that is read ahead. */
  get ahead(): readonly Hole[] {
    return this.#ahead
  }

  /** Assets that were known before their fragments were rendered. */
  get declared(): readonly Asset[] {
    return this.#declared
  }

  /** The part of the page that is read ahead has ended. */
  get isAheadClosed(): boolean {
    return this.#isAheadClosed
  }

  get hasFallbacks(): boolean {
    return this.#hasFallbacks
  }

  /** The page's attributes: they count only before its first fragment. */
  setAttributes(json: string, at: Position): void {
    if (this.#attributes || this.#tags > 0) {
      this.note(
        'attributes-late',
        at,
        this.#tags > 0 ? BEHIND_A_TAG : 'a page has one attributes script: this one is left out',
      )
      return
    }
    const attributes = readPageAttributes(json)
    if (typeof attributes !== 'string') this.#attributes = attributes
    else {
      this.#attributes = {}
      this.note('attributes-unreadable', at, `its attributes script ${attributes}`)
    }
  }

  /** The next one of the page that is in no other's fallback. */
  add(part: FragmentPart): void {
    if (this.#tags >= this.#deps.settings.maxPerPage && !part.tag.required) {
      this.#addSurplus(part)
      return
    }
    const hole = this.#make(part, undefined)
    if (part.offset < this.#deps.settings.readAheadBytes) this.#ahead.push(hole)
    this.#queue.reserve(hole.sizeBytes)
    this.#queue.push(hole)
  }

  /** No tag that comes now is in the part of the page that is read ahead. */
  closeAhead(): void {
    if (this.#isAheadClosed) return
    this.#isAheadClosed = true
    this.#mayAsk = true
    this.#resolution?.closeAhead()
  }

  /** Asks for those that may be asked for by now. */
  ask(): void {
    while (this.#mayAsk && !this.#isOver) {
      this.#mayAsk = false
      this.#resolution?.go()
    }
  }

  /** Its HTML has left, and needs no memory any more; what else is known of it stays. */
  forget(index: number): void {
    this.#all[index] = undefined
  }

  /** None of them is wanted any more. */
  cancel(): void {
    this.#isOver = true
    this.#resolution?.cancel()
  }

  /** Something of the page is left out, or stands in it as it was written. */
  note(what: string, at: Position | undefined, detail: string | undefined): void {
    const { exchange, context } = this.#options
    const place = at && `${exchange.path}:${at.line}:${at.column}`
    this.#deps.observer.dropped(what, { service: context.service, exchange: exchange.id, place, detail })
  }

  /** Nobody will be asked for it: it is its fallback already, and needs no memory of its own. */
  #addSurplus({ tag, offset, fallback }: FragmentPart): void {
    if (offset >= this.#deps.settings.readAheadBytes) this.closeAhead()
    this.#countSurplus(tag)
    for (const piece of fallback) {
      if (Buffer.isBuffer(piece)) this.#queue.push(piece)
      else this.add(piece)
    }
  }

  #countSurplus(tag: FragmentTag): Outcome {
    if (this.#tags++ === this.#deps.settings.maxPerPage) this.note('too-many', tag.at, undefined)
    this.#hasFallbacks = true
    const outcome = tooMany(tag)
    this.#options.xray?.report(outcome.report)
    return outcome
  }

  #make(part: FragmentPart, parent: number | undefined): Hole {
    const { settings } = this.#deps
    const { tag } = part
    if (part.offset >= settings.readAheadBytes) this.closeAhead()
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
      mark: isTooMany ? undefined : this.#options.markOf?.(tag, this.#attributes ?? {}),
      outcome: surplus,
      sizeBytes: sizeOf(part.fallback) + (isTooMany ? SURPLUS_BYTES : 0),
      // Filled below: in the order of the document those inside come after it.
      fallback: [],
    }
    if (!isTooMany) {
      this.#all[index] = hole
      this.#mayAsk = true
    }
    const fallback = hole.fallback as (Buffer | Hole)[]
    for (const piece of part.fallback) {
      const item = Buffer.isBuffer(piece) ? piece : this.#make(piece, isTooMany ? undefined : index)
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
      onSettled: (outcome) => this.#settle(outcome),
    })
    if (this.#isAheadClosed) this.#resolution.closeAhead()
    return this.#resolution
  }

  #settle(outcome: Outcome): void {
    const hole = this.#all[outcome.index]
    if (this.#isOver || !hole || hole.outcome) return
    hole.outcome = outcome
    if (outcome.html === undefined) this.#hasFallbacks = true
    else this.#queue.reserve(outcome.html.length)
    this.#onSettled(outcome)
  }
}
