/**
 * One rendering of a page: HTML in the order of the document, each piece as soon as it may leave.
 *
 * Nothing happens before somebody reads. What is read slowly waits here: the fragments are there, and the next piece is
 * put together when it is asked for.
 *
 * @module
 */
import { Readable } from 'node:stream'
import { menuTags } from '@hydra-gateway/protocol'
import {
  type Asset,
  createPageAssets,
  FragmentError,
  fragmentMarkers,
  type LiveComments,
  liveComments,
  mayHoldSiteTags,
  requiredFailedBlock,
  rewriteLink,
  rewriteSiteTags,
  type SiteTags,
  xrayTags,
} from '@hydra-gateway/protocol/fragments'
import type { Log } from '../log.ts'
import { messageOf } from './local.ts'
import { FragmentRequiredError } from './page-error.ts'
import type { Op, Program } from './page-program.ts'
import type { Outcome, Run } from './rendering-run.ts'

/** A page on its way. It can be read once, in one of these ways; `text` may be asked again. */
export interface Rendering extends AsyncIterable<string> {
  /** The whole page. Rejects when a `required` fragment is not there (FragmentRequiredError), or the page has a fault. */
  text(): Promise<string>
  /** UTF-8 of fetch's kind. */
  stream(): ReadableStream<Uint8Array>
  /** UTF-8 of Node's kind. */
  readable(): Readable
  /** Nobody waits any more: the fragments are given up. Reading it ends with an error. */
  cancel(): void
}

/** A page and its fragments, begun. */
export interface OpenPage {
  readonly program: Program
  readonly run: Run
  /** Name of the service that makes the page. */
  readonly service: string
  readonly isXray: boolean
  /** Menus and links, for whom the page is for; that is to be found out before. */
  readonly site?: SiteTags | undefined
  readonly recognise?: () => Promise<void>
  /** Of live fragments, by their index. */
  readonly marks?: readonly (string | undefined)[]
  /** Takes the assets of what is shown, where they don't belong into the HTML itself. */
  readonly onAssets?: (assets: readonly Asset[]) => void
}

export interface RenderingOptions {
  /** Begins; called when somebody reads, once. A throw is what the reader gets. */
  readonly open: () => OpenPage
  /** Nothing leaves before all `required` fragments are there. */
  readonly hold: boolean
  readonly signal: AbortSignal | undefined
  readonly log: () => Log
  /** The request it answers asks for its head only. */
  readonly isForHead?: boolean
}

type Until = 'now' | 'required' | 'all'

const logs = new WeakMap<Rendering, () => Log>()
const forHead = new WeakSet<Rendering>()

/** Whether nobody will read it, as far as its request says: frameworks that answer HEAD as GET drop what they get. */
export function isForHead(rendering: Rendering): boolean {
  return forHead.has(rendering)
}

/** Says why a page was not sent, where nobody else gets to know. */
export function reportFault(rendering: Rendering, fault: unknown): void {
  const log = logs.get(rendering)?.()
  const isExpected = fault instanceof FragmentRequiredError || fault instanceof FragmentError
  const what = fault instanceof Error && !isExpected ? (fault.stack ?? fault.message) : messageOf(fault)
  log?.error(`a page was not sent: ${what}`)
}

const NO_COMMENTS: LiveComments = { begin: '', end: '' }

/** Makes the rendering of a page. */
export function createRendering(options: RenderingOptions): Rendering {
  const { open, hold, signal, log } = options
  let page: OpenPage | undefined
  let isRead = false
  let isCancelled = false
  let text: Promise<string> | undefined
  const cancelled = () => new DOMException('the page was cancelled', 'AbortError')

  function cancel(): void {
    isCancelled = true
    // Whoever read it may never ask for the next piece.
    if (page) giveUp(page.run)
  }

  function giveUp(run: Run): void {
    signal?.removeEventListener('abort', cancel)
    run.cancel()
    // Those that were rendered have been: what their services want kept is kept.
    run.save().catch((fault) => log().warn(messageOf(fault)))
  }

  async function* read(until: Until): AsyncGenerator<string, void, undefined> {
    let isDone = false
    try {
      if (signal?.aborted) cancel()
      if (isCancelled) throw cancelled()
      page = open()
      signal?.addEventListener('abort', cancel, { once: true })
      if (until !== 'now') await settled(page, until)
      yield* chunks(page)
      await page.run.save()
      isDone = true
    } catch (fault) {
      throw isCancelled ? cancelled() : fault
    } finally {
      signal?.removeEventListener('abort', cancel)
      if (page && !isDone) giveUp(page.run)
    }
  }

  function once(until: Until): AsyncGenerator<string, void, undefined> {
    if (isRead) throw new Error('a rendering can be read once: call render again for each answer')
    isRead = true
    return read(until)
  }

  const pieces = () => once(hold ? 'required' : 'now')

  const rendering: Rendering = {
    [Symbol.asyncIterator]: pieces,
    async text() {
      text ??= join(once('all'))
      return text
    },
    stream() {
      const reader = pieces()
      const encoder = new TextEncoder()
      const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
        const { done, value } = await reader.next()
        if (done) controller.close()
        else controller.enqueue(encoder.encode(value))
      }
      // Nothing waits in it: an error would throw that away.
      return new ReadableStream({ pull, cancel }, { highWaterMark: 0 })
    },
    readable() {
      const readable = Readable.from(bytesOf(pieces()), { objectMode: false })
      readable.once('close', () => {
        if (!readable.readableEnded) cancel()
      })
      return readable
    },
    cancel,
  }
  logs.set(rendering, log)
  if (options.isForHead) forHead.add(rendering)
  return rendering
}

async function join(pieces: AsyncIterable<string>): Promise<string> {
  let text = ''
  for await (const piece of pieces) text += piece
  return text
}

async function* bytesOf(pieces: AsyncIterable<string>): AsyncGenerator<Buffer, void, undefined> {
  for await (const piece of pieces) yield Buffer.from(piece)
}

/** Waits until nothing more comes, or no `required` fragment is missing. @throws FragmentRequiredError at once */
async function settled({ program, run }: OpenPage, until: Until): Promise<void> {
  for (;;) {
    const state = requiredOf(program.ops, program, run)
    if (typeof state === 'object') throw requiredError(program, state)
    if (until === 'all' ? run.isSettled : state === 'there') return
    await run.change()
  }
}

/** Whether every `required` fragment that is shown is there; one that failed; or that some is still to come. */
function requiredOf(ops: readonly Op[], program: Program, run: Run): 'there' | 'to come' | Outcome {
  let state: 'there' | 'to come' = 'there'
  for (const op of ops) {
    if (typeof op === 'string' || !('fragment' in op)) continue
    const isRequired = program.nodes[op.fragment]?.required === true
    if (!isRequired && !op.holdsRequired) continue
    const outcome = run.outcome(op.fragment)
    if (!outcome) state = 'to come'
    else if (outcome.html === undefined) {
      if (isRequired) return outcome
      const inside = requiredOf(op.fallback, program, run)
      if (typeof inside === 'object') return inside
      if (inside === 'to come') state = inside
    }
  }
  return state
}

function requiredError({ name }: Program, { service, ref, reason }: Outcome): FragmentRequiredError {
  return new FragmentRequiredError(name, service, ref, reason ?? 'failed')
}

/** The page, piece by piece. */
async function* chunks(page: OpenPage): AsyncGenerator<string, void> {
  const { program, run, service, isXray, site, marks, onAssets } = page
  const { ops, nodes } = program
  const assets = createPageAssets()
  let isRecognised = false
  /** Waits where something is for somebody, and nowhere else: it may take a while until a token can be verified. */
  const recognise = async (): Promise<void> => {
    if (!isRecognised) await page.recognise?.()
    isRecognised = true
  }
  const beganAt = performance.now()
  let headMs: number | undefined
  let hasLeft = false
  let out = ''
  /** Where it is: in the page, in a fallback, in a fallback of that. */
  const stack: { readonly ops: readonly Op[]; at: number; readonly end: string }[] = [{ ops, at: 0, end: '' }]
  for (let level = stack.at(-1); level; level = stack.at(-1)) {
    const op = level.ops[level.at++]
    if (op === undefined) {
      out += level.end
      stack.pop()
      continue
    }
    if (typeof op === 'string') {
      out += op
      continue
    }
    if ('link' in op) {
      if (!isRecognised) await recognise()
      out += (site && rewriteLink(op.link, site.link)) ?? op.link
      continue
    }
    if ('menu' in op) {
      if (!isRecognised) await recognise()
      const menu = site?.menu(op.menu)
      if (menu !== undefined) {
        out += menu
        continue
      }
      // Nobody has it yet: an open page finds the place when somebody has.
      const { begin, end } = site ? menuTags(op.menu) : { begin: '', end: '' }
      out += begin
      stack.push({ ops: op.fallback, at: 0, end })
      continue
    }
    if ('place' in op) {
      if (op.place === 'head') {
        if (onAssets) continue
        for (const known of knownAssets(ops, run)) assets.ready(known)
        out += assets.closeHead()
        headMs = performance.now() - beganAt
        continue
      }
      const fragments = isXray ? run.reports() : []
      const times = { ...(headMs !== undefined && { headMs }), totalMs: performance.now() - beganAt }
      if (fragments.length > 0) out += xrayTags({ service, ...times, fragments })
      continue
    }
    let outcome = run.outcome(op.fragment)
    while (!outcome) {
      if (out !== '') {
        hasLeft = true
        yield out
        out = ''
        outcome = run.outcome(op.fragment)
        if (outcome) break
      }
      await run.change()
      outcome = run.outcome(op.fragment)
    }
    const markers = isXray ? fragmentMarkers(`f${op.fragment}`) : { begin: '', end: '' }
    const mark = marks?.[op.fragment]
    const live = mark === undefined ? NO_COMMENTS : liveComments(mark, outcome.html !== undefined)
    if (outcome.html !== undefined) {
      onAssets?.(outcome.assets)
      const tags = onAssets ? '' : assets.before(outcome.assets)
      let { html } = outcome
      if (site && mayHoldSiteTags(html)) {
        if (!isRecognised) await recognise()
        html = rewriteSiteTags(html, site)
      }
      out += live.begin + markers.begin + tags + html + markers.end + live.end
    } else if (nodes[op.fragment]?.required) {
      const error = requiredError(program, outcome)
      // A page of which nothing has left yet can still be another answer.
      if (hasLeft) yield out + requiredFailedBlock()
      throw error
    } else {
      out += live.begin + markers.begin
      stack.push({ ops: op.fallback, at: 0, end: markers.end + live.end })
    }
  }
  if (out !== '') yield out
}

/** Assets that will be needed, as far as that is known by now, in document order. */
function* knownAssets(ops: readonly Op[], run: Run, isInFallback = false): Generator<readonly Asset[]> {
  for (const op of ops) {
    if (typeof op === 'string' || !('fragment' in op)) continue
    const outcome = run.outcome(op.fragment)
    if (!outcome) yield isInFallback ? [] : run.declaredAssets(op.fragment)
    else if (outcome.html !== undefined) yield outcome.assets
    else yield* knownAssets(op.fallback, run, true)
  }
}
