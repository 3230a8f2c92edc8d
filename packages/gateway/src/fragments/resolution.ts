/**
 * The fragments of one page, or of one fragment that has some itself: which are under way, and what became of them.
 *
 * The flow says what may start, `calls.ts` asks for it, `patience.ts` says until when; here they meet.
 *
 * @module
 */
import { type FragmentAssets, type FragmentReport, MOST_ASSETS, MOST_DEPTH } from '@hydra-gateway/protocol'
import { createFlow, rootOf, type Start } from '@hydra-gateway/protocol/fragments'
import type { ServiceTokens } from '../identity/port.ts'
import type { Clock } from '../observe/clock.ts'
import type { Instance } from '../routing/upstream.ts'
import { createCalls, type Piece } from './calls.ts'
import type { Provider, Refusal, Wanted } from './choose.ts'
import { createJob, type Job, keyOf } from './job.ts'
import { exported, merged, own, put } from './names.ts'
import { needsOf } from './needs.ts'
import { assemble, readNested } from './nested.ts'
import type { FragmentObserver } from './observe.ts'
import { createPatience } from './patience.ts'
import type { Outcome, PageContext, Resolution, ResolutionOptions } from './port.ts'
import type { ResolverSettings } from './settings.ts'
import { bytesOfAll, type ValueBytes } from './value-bytes.ts'

/** What all pages share. */
export interface Shared {
  readonly choose: (wanted: Wanted) => Provider | Refusal
  /** Undefined where nobody can sign in. */
  readonly tokenFor: ServiceTokens['tokenFor'] | undefined
  readonly isKnown: (service: string) => boolean
  readonly observer: FragmentObserver
  readonly settings: ResolverSettings
  readonly clock: Clock
}

/** What a page shares with the fragments in its fragments: limits are those of the whole page. */
export interface Page {
  readonly startedAt: number
  fragments: number
  roomBytes: number
  /** For values that fragments are given. */
  givenRoomBytes: number
  readonly bytesOf: ValueBytes
  /** Who renders for it, by service: one version of each. */
  readonly providers: Map<string, Instance>
  readonly sessions: Record<string, unknown>
}

/** A call that ends this close to a fragment's deadline ended because of it. */
const CLOSE_MS = 5
const NO_ATTRIBUTES = Object.freeze({})

/** Begins with a page. */
export function openResolution(shared: Shared, options: ResolutionOptions, page: Page): Resolution {
  const { choose, tokenFor, isKnown, observer, settings, clock } = shared
  const { context, onSettled } = options
  const { caller } = context
  const flow = createFlow({ attributes: options.attributes, isReadOnly: true })
  const jobs: Job[] = []
  const ids = new Set<string>()
  /** Beyond `maxPerPage`: the flow never hears of them. */
  const surplus: Job[] = []

  let isCancelled = false
  let isClosed = false
  let isDone = false
  let isPumping = false
  let isPumpDue = false

  const patience = createPatience({
    clock,
    budgetMs: options.budgetMs,
    onLate(job, refusal) {
      calls.giveUp(job)
      fail(job, refusal)
    },
  })
  const { pending } = patience

  // ---- settling ---------------------------------------------------------------------------------------

  const settle = (
    job: Job,
    html: string | undefined,
    refusal: Refusal | undefined,
    exports: Readonly<Record<string, unknown>> | undefined,
    assets: FragmentAssets | undefined,
  ): void => {
    if (job.state === 'settled' || isCancelled) return
    patience.stop(job)
    job.call = undefined
    job.cancelNested = undefined
    job.state = 'settled'
    const report = reportOf(job, html, refusal, exports)
    if (job.isInFlow) flow.settle(job.index, exports)
    tell(job, report)
    const { provider } = job
    const outcome: Outcome = {
      index: job.index,
      html,
      reason: refusal?.reason,
      assets,
      instance: provider?.instance,
      exports,
      report,
    }
    onSettled(outcome)
    pumpSoon()
  }

  /** It shows its fallback. */
  const fail = (job: Job, refusal: Refusal): void => settle(job, undefined, refusal, undefined, undefined)

  const reportOf = (
    job: Job,
    html: string | undefined,
    refusal: Refusal | undefined,
    exports: Readonly<Record<string, unknown>> | undefined,
  ): FragmentReport => {
    const { id, service, ref, provider, wave, startedAt } = job
    const now = clock.monotonic()
    return {
      id,
      service,
      ref,
      ...(provider && {
        version: provider.instance.version,
        instance: provider.instance.id,
        via: provider.renderer.via,
      }),
      wave,
      startMs: startedAt - page.startedAt,
      durationMs: now - startedAt,
      bytes: html === undefined ? 0 : Buffer.byteLength(html),
      imports: Object.keys(job.values),
      exports: exports ? Object.keys(exports) : [],
      ...(refusal && { reason: refusal.reason, detail: refusal.detail }),
    }
  }

  const tell = (job: Job, report: FragmentReport): void => {
    options.onReport?.(report)
    observer.settled({
      report,
      exchange: context.exchange,
      traceparent: context.traceparent,
      isKnown: isKnown(job.service),
      startedAt: clock.now() - report.durationMs,
    })
  }

  // ---- what came --------------------------------------------------------------------------------------

  /** Why HTML or exports are too large, in a sentence; undefined when they aren't. */
  const excess = (what: 'HTML' | 'exports', bytes: number): string | undefined => {
    if (bytes > settings.maxBytes)
      return `its ${what} ${what === 'HTML' ? 'has' : 'have'} ${bytes} bytes; ${settings.maxBytes} are allowed (fragments.maxBytes)`
    if (bytes > page.roomBytes)
      return `with it the fragments of the page have more than ${settings.maxPageBytes} bytes (fragments.maxPageBytes)`
    return undefined
  }

  const dropped = ({ service, ref }: Job, what: string, detail: string): void =>
    observer.dropped(what, { service, ref, exchange: context.exchange, detail })

  const needs = (job: Job, { assets }: Piece, inside: ReadonlyMap<number, Outcome> | undefined) =>
    needsOf(assets, declaredBy(job), inside, () =>
      dropped(job, 'assets', `with those inside of it, it has more than ${MOST_ASSETS} styles or scripts`),
    )

  /** It is there, if what the page gets of its attributes fits as well. */
  const finish = (
    job: Job,
    html: string,
    attributes: Readonly<Record<string, unknown>> | undefined,
    assets: FragmentAssets | undefined,
  ): void => {
    const exports = exported(job.tag.exports, attributes)
    // As often as the page gets them: under each of their names.
    let bytes = 0
    for (const { from } of job.tag.exports) bytes += page.bytesOf(own(exports, rootOf(from)))
    const problem = excess('exports', bytes)
    if (problem !== undefined) {
      fail(job, { reason: 'too-large', detail: problem })
      return
    }
    page.roomBytes -= bytes
    settle(job, html, undefined, exports, assets)
  }

  const rendered = (job: Job, piece: Piece): void => {
    const bytes = Buffer.byteLength(piece.html)
    const problem = excess('HTML', bytes)
    if (problem !== undefined) {
      fail(job, { reason: 'too-large', detail: problem })
      return
    }
    page.roomBytes -= bytes
    const nested = readNested(piece.html, keyOf(job), (what, detail) => dropped(job, what, detail))
    if (typeof nested === 'string') {
      finish(job, nested, piece.exports, needs(job, piece, undefined))
      return
    }

    // Its own scope: what it was given, what its markup says, what it set.
    // Medusa's applications were given all attributes of the page, and their scope has them.
    const given = piece.exports ? job.values : merged(options.attributes, job.values)
    const scope = merged(merged(given, nested.attributes), piece.exports ?? NO_ATTRIBUTES)
    const outcomes = new Map<number, Outcome>()
    const inner = openResolution(
      shared,
      {
        context: inside(job),
        attributes: scope,
        budgetMs: Math.max(1, job.deadline - clock.monotonic()),
        session: options.session,
        onReport: options.onReport,
        onSettled: (outcome) => void outcomes.set(outcome.index, outcome),
        onDone() {
          job.cancelNested = undefined
          const html = assemble(nested.template.parts, outcomes, context.isXray)
          finish(job, html, piece.exports && inner.attributes, needs(job, piece, outcomes))
        },
      },
      page,
    )
    // Its deadline is that of what is inside from here: what came of that in time is shown.
    job.state = 'nested'
    job.cancelNested = inner.cancel
    for (const { parent, ...tag } of nested.template.nodes) {
      inner.add(tag, { id: `${job.id}.${tag.index}`, ...(parent === undefined ? {} : { parent }) })
      // One is enough to say that there are too many.
      if (page.fragments > settings.maxPerPage) break
    }
    inner.closeAhead()
    inner.go()
  }

  const inside = (job: Job): PageContext => ({
    ...context,
    service: job.service,
    depth: context.depth + 1,
    chain: [...context.chain, keyOf(job)],
  })

  // ---- asking -----------------------------------------------------------------------------------------

  const calls = createCalls({
    clock,
    settings,
    observer,
    options,
    choose(job) {
      const { service, ref, tag, tried } = job
      const preferred = page.providers.get(service)
      const chosen = choose({ service, ref, tag, visitor: context.visitor, caller, tried, preferred })
      if ('instance' in chosen) page.providers.set(service, chosen.instance)
      return chosen
    },
    token:
      tokenFor === undefined
        ? () => context.token
        : caller && ((instance, accepted) => tokenFor(caller, instance, accepted)),
    isOneIdentity: caller === undefined || caller.identities.length === 1,
    session: (service) => own(page.sessions, service) ?? own(options.session, service),
    onSession: (service, session) => put(page.sessions, service, session),
    overGiven(values, session) {
      const bytes = (values ? bytesOfAll(values, page.bytesOf) : 0) + page.bytesOf(session)
      page.givenRoomBytes -= bytes
      if (page.givenRoomBytes >= 0) return undefined
      page.givenRoomBytes += bytes
      const detail = `with what it imports, the fragments of the page are given more than ${settings.maxPageBytes} bytes (fragments.maxPageBytes)`
      return { reason: 'too-large', detail }
    },
    giveUpAt: patience.giveUpAt,
    onPiece: rendered,
    onFailed: fail,
    lateness: (job, now) => (job.deadline - now < CLOSE_MS ? patience.lateness(job) : undefined),
  })

  const begin = (start: Start, now: number): Job | undefined => {
    const job = jobs[start.index]!
    const { service, ref, values, wave } = start
    job.service = service === '' ? context.service : service
    Object.assign(job, { ref, values, wave, startedAt: now })
    if (context.depth + 1 > MOST_DEPTH) {
      const detail = `fragments in fragments pass through more than ${MOST_DEPTH} services`
      return void fail(job, { reason: 'depth', detail })
    }
    if (context.chain.includes(keyOf(job))) {
      const detail = `${keyOf(job)} stands inside of itself: ${[...context.chain, keyOf(job)].join(' > ')}`
      return void fail(job, { reason: 'recursion', detail })
    }
    patience.wait(job, now)
    if (job.deadline - now < 1) return void fail(job, patience.lateness(job))
    job.state = 'asked'
    return job
  }

  const pump = (): void => {
    isPumpDue = false
    if (isPumping || isCancelled) return
    isPumping = true
    for (const job of surplus.splice(0))
      fail(job, {
        reason: 'too-many',
        detail: `a page may have ${settings.maxPerPage} fragments (fragments.maxPerPage)`,
      })
    for (;;) {
      const { starts, declined } = flow.take()
      if ((starts.length === 0 && declined.length === 0) || isCancelled) break
      const now = clock.monotonic()
      for (const { index, reason, detail } of declined) {
        const job = jobs[index]!
        job.startedAt = now
        job.isInFlow = false
        fail(job, { reason, detail })
      }
      const begun: Job[] = []
      for (const start of starts) {
        const job = begin(start, now)
        if (job) begun.push(job)
      }
      calls.ask(begun)
    }
    isPumping = false
    if (!isClosed || isDone || isCancelled || pending.size > 0 || !flow.isSettled) return
    isDone = true
    options.onDone?.()
  }
  /** What settles together is followed up together: as few calls as possible. */
  const pumpSoon = (): void => {
    if (isPumpDue || isPumping) return
    isPumpDue = true
    queueMicrotask(pump)
  }

  return {
    add(tag, { id, fallback, parent } = {}) {
      const index = jobs.length
      const job = createJob(index, tag, id, fallback, ids)
      job.startedAt = clock.monotonic()
      jobs.push(job)
      if (++page.fragments > settings.maxPerPage) surplus.push(job)
      else {
        flow.add(tag, parent)
        job.isInFlow = true
      }
      return index
    },
    go: pump,
    closeAhead() {
      flow.closeAhead()
      isClosed = true
      pumpSoon()
    },
    cancel() {
      if (isCancelled) return
      isCancelled = true
      const left = patience.end()
      calls.cancel()
      for (const job of left) {
        job.cancelNested?.()
        const refusal: Refusal = { reason: 'cancelled', detail: 'nobody waits for the page any more' }
        tell(job, reportOf(job, undefined, refusal, undefined))
      }
    },
    get attributes() {
      return flow.attributes
    },
    sessions: page.sessions,
  }
}

function declaredBy({ provider, ref }: Job): FragmentAssets | undefined {
  return provider?.instance.refs?.get(ref)?.assets
}
