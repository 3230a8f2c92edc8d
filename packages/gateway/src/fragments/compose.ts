/**
 * Composition: which answers are pages whose fragments the gateway puts in, and how they reach the visitor.
 *
 * A page opts in by `Hydra-Compose: 1`, or its route by `compose`. With `Hydra-Compose: 1; hold`, or `hold` of the
 * route, its status waits for the required fragments. What is composed, and how, is in `compose-page.ts`.
 *
 * @module
 */
import { createMenuTexts } from '@hydra-gateway/protocol'
import { type Asset, assetHint, assetsOf } from '@hydra-gateway/protocol/fragments'
import type { Head, ResponseHead } from '../http1/head.ts'
import { ACCEPT, CONTENT_TYPE, HYDRA_COMPOSE } from '../http1/names.ts'
import type { FragmentMarks } from '../live/port.ts'
import type { PageMenus, WantedMenus } from '../menus/port.ts'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { type Coding, chooseCoding } from '../proxy/accept-encoding.ts'
import type { Answers } from '../proxy/answers.ts'
import type { AnswerSink, Composer, Composition } from '../proxy/composition.ts'
import { createCoder } from '../proxy/compression.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { linesOfFlat } from '../proxy/lines-of.ts'
import type { Visitors } from '../proxy/visitors.ts'
import { SENT } from '../proxy/wire.ts'
import type { WireExchange } from '../proxy/wire-exchange.ts'
import type { Route } from '../routing/route.ts'
import type { Instance } from '../routing/upstream.ts'
import { ComposedPage } from './compose-page.ts'
import { compressedPage } from './compressed-page.ts'
import { createDeclaredAssets } from './declared-assets.ts'
import { codeOf } from './hold.ts'
import { inflatedPage, isIdentity, isReadable } from './inflated-page.ts'
import { createFragmentObserver } from './observe.ts'
import { pageContext } from './page-context.ts'
import { pageHead } from './page-head.ts'
import { createPageMarks } from './page-marks.ts'
import type { PageDeps, PageOutcome, PageXray } from './page-options.ts'
import { createPageSite } from './page-site.ts'
import { pageText } from './page-text.ts'
import type { Outcome, PageContext } from './port.ts'
import type { FragmentSettings } from './settings.ts'

export interface ComposerDeps extends Omit<PageDeps, 'observer' | 'clock' | 'log'> {
  readonly settings: PageDeps['settings'] & Pick<FragmentSettings, 'maxPageBytes'>
  readonly visitors: Pick<Visitors, 'contextOf' | 'onHead'>
  /** Those of a service that may be sent requests now. */
  readonly instancesOf: (service: string) => readonly Instance[]
  readonly answers: Pick<Answers, 'problem' | 'incomplete'>
  /** Menus and links of the site: without, their tags are text like any other. */
  readonly menus?: PageMenus | undefined
  /** A page asked for a menu nobody has. */
  readonly onMissedMenu?: WantedMenus['missed'] | undefined
  /** Marks of live fragments: without, nobody waits for one in an open page. */
  readonly marks?: Pick<FragmentMarks, 'make'> | undefined
  /** What a developer sees of a page. Called for those alone who may. */
  readonly xray?: (exchange: Exchange, context: PageContext) => PageXray
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Pick<Metrics, 'pageComposed' | 'fragment' | 'fragmentDropped'>
}

/** What is known of a route whose pages are composed. */
interface Composed {
  /** Values of `Link`: assets its pages had, so that the next visitor may ask for them at once. */
  hints: readonly string[]
  /** Why a page of it was not composed, and said so. */
  readonly refused: Set<string>
  /** Tags whose likely mistakes were told. */
  readonly told: Set<string>
}

/** Most assets a page's head hints at. */
const MOST_HINTS = 16
/** And their bytes: heads have limits on their way to the visitor, and the addresses are up to other services. */
const MOST_HINT_BYTES = 2048

/** `0` is understood as well: it asks for nothing. */
const WISH = /^(?:0|1)(?:\s*;\s*(?:hold)?)*$/i
const MOST_SHOWN_LENGTH = 100

const HTML = /^text\/html\s*(?:;|$)/i
/** Tags of a route whose mistakes are told, and how much of each is told apart: pages may be made up of any number. */
const MOST_TOLD = 100
const MOST_TOLD_LENGTH = 1024

/** Below, a page is about as small as it can be. */
const LEAST_COMPRESSED_BYTES = 1024

/** Makes the composer of one gateway. */
export function createComposer(deps: ComposerDeps): Composer {
  const { visitors, answers, metrics, log } = deps
  const pageDeps: PageDeps = { ...deps, observer: createFragmentObserver(deps) }
  const known = new WeakMap<Route, Composed>()
  const misread = new WeakSet<Route>()
  /** Of all requests, only those of gateways that compose are looked up in `known`. */
  let isUsed = false
  const declaredAssets = createDeclaredAssets(deps.instancesOf)
  const { menus, onMissedMenu: onMissed, marks, settings } = deps
  const textOf = createMenuTexts()
  const siteDeps = menus && { menus, textOf, onMissed, maxMenuBytes: settings.maxPageBytes }

  function learn(route: Route): Composed {
    let composed = known.get(route)
    if (!composed) {
      isUsed = true
      composed = { hints: [], refused: new Set(), told: new Set() }
      known.set(route, composed)
    }
    return composed
  }

  /** Not composed, though somebody wants it to be: said once for each route and reason. */
  function passes(exchange: WireExchange, route: Route, reason: string): undefined {
    metrics.pageComposed('passed')
    const { refused } = learn(route)
    if (refused.has(reason) || refused.size > 32) return undefined
    refused.add(reason)
    const { id, path } = exchange
    log.warn({ exchange: id, service: route.service, path, reason }, 'page passed without its fragments')
    return undefined
  }

  /** A header with a slip in it reads like none: said once for each route. */
  function mustBeUnderstood({ id, path }: WireExchange, route: Route, head: ResponseHead): void {
    const value = lineOf(head, HYDRA_COMPOSE).trim()
    if (value === '' || WISH.test(value) || misread.has(route)) return
    misread.add(route)
    const detail = `Hydra-Compose: "${value.slice(0, MOST_SHOWN_LENGTH)}" is not understood; write 1 or 1; hold`
    log.warn({ exchange: id, service: route.service, path, detail }, 'Hydra-Compose not understood')
  }

  function compose(
    exchange: WireExchange,
    route: Route,
    instance: Instance,
    head: ResponseHead,
    bodyBytes: number,
  ): Composition | undefined {
    mustBeUnderstood(exchange, route, head)
    const wish = wishOf(route, head)
    const { status } = head
    if (!wish || status < 200 || status === 204 || status === 205 || status === 206 || status === 304)
      return undefined
    const contentType = lineOf(head, CONTENT_TYPE)
    const isHead = exchange.method === 'HEAD'
    if (!HTML.test(contentType) || (bodyBytes === 0 && !isHead)) return undefined
    const text = pageText(contentType)
    if (!text) return passes(exchange, route, `its charset: ${contentType.slice(0, 100)}`)
    const contentEncoding = head.all('content-encoding').join(', ').trim().toLowerCase()
    if (!isReadable(contentEncoding))
      return passes(exchange, route, `its encoding: ${contentEncoding.slice(0, 100)}`)

    const composed = learn(route)
    // What is for some is not the same for everybody, whatever its route says of caches.
    const isPrivate = route.composedCache !== 'keep' || route.auth === 'required'
    const visitor = visitors.contextOf(exchange, { isPrivate })
    const cache = visitor.isXray ? 'none' : isPrivate ? 'private' : 'keep'
    const isCompressed = !isIdentity(contentEncoding)
    const varies =
      (isCompressed || bodyBytes < 0 || bodyBytes >= LEAST_COMPRESSED_BYTES || isHead) && mayTransform(head)
    const coding = varies ? chooseCoding(exchange.head.get('accept-encoding')) : undefined
    const flat = pageHead(head, instance, { cache, coding, varies, replaced: exchange.flywheel?.replaced })
    const begin = (settled: readonly Outcome[]) => {
      if (composed.hints.length > 0) flat.push('Link', composed.hints.join(', '))
      const timing = timingOf(settled)
      if (timing !== undefined) flat.push('Server-Timing', timing)
      visitors.onHead(exchange, status, linesOfFlat(flat))
      exchange.ownHead(status, flat, -1)
    }
    if (isHead) {
      begin([])
      return headOnly(exchange)
    }

    const context = pageContext(exchange, instance, visitor, !isPrivate)
    const output = coding === undefined ? exchange : compressed(exchange, coding)
    const page = new ComposedPage(pageDeps, {
      exchange,
      text,
      holds: wish.holds,
      output,
      context,
      site:
        siteDeps &&
        createPageSite(siteDeps, {
          exchange,
          context,
          onFull(detail) {
            const fields = { service: context.service, exchange: exchange.id, place: exchange.path, detail }
            pageDeps.observer.dropped('menus-too-large', fields)
          },
        }),
      markOf: marks && exchange.method === 'GET' ? createPageMarks(marks, context.service) : undefined,
      xray: context.isXray ? deps.xray?.(exchange, context) : undefined,
      declaredAssets: (tag) => declaredAssets(tag, context.service),
      assetsOf: (outcome) => (outcome.instance ? assetsOf(outcome.assets, outcome.instance) : []),
      begin,
      refuse(outcome) {
        const { reason = 'failed', report } = outcome
        const service = report.service === '' ? context.service : report.service
        answers.incomplete(exchange, route, codeOf(reason), { service, ref: report.ref, reason })
      },
      leaveService() {
        const { attempt } = exchange
        exchange.attempt = undefined
        attempt?.leave()
      },
      onTagWarnings({ line, column }, tag, warnings) {
        const { told } = composed
        const text = tag.slice(0, MOST_TOLD_LENGTH)
        if (told.has(text) || told.size >= MOST_TOLD) return
        told.add(text)
        const place = `${exchange.path}:${line}:${column}`
        const fields = { exchange: exchange.id, service: route.service, place, detail: warnings.join('; ') }
        log.warn({ what: 'tag-warning', ...fields }, 'fragment tag has a likely mistake')
      },
      onEnd(outcome: PageOutcome, assets: readonly Asset[]) {
        metrics.pageComposed(outcome)
        if (outcome === 'whole' || outcome === 'fallbacks') composed.hints = hintsOf(assets)
      },
    })
    if (!isCompressed) return page
    const inflated = inflatedPage(contentEncoding, page, (cause) => {
      const { service, id } = instance
      log.warn({ exchange: exchange.id, service, instance: id, err: cause }, 'page can’t be inflated')
      page.cancel()
      if (exchange.answered) exchange.abort()
      else answers.problem(exchange, 'HYDRA_UPSTREAM_BROKEN')
    })
    exchange.onEnd(() => inflated.cancel())
    return inflated
  }

  return {
    wantsWhole: (exchange, route) =>
      route.compose === true || route.hold === true || (isUsed && known.has(route) && asksForPage(exchange)),
    isPartOfPage(exchange, route, head) {
      const contentType = lineOf(head, CONTENT_TYPE)
      // Who says it with every answer says it with pictures too, and those are kept by visitors.
      const isPage = contentType === '' ? asksForPage(exchange) : HTML.test(contentType)
      if (isPage) learn(route)
      return isPage
    },
    compose,
  }
}

/** In front of the visitor, as long as he is there. */
function compressed(exchange: WireExchange, coding: Coding): AnswerSink {
  const coder = createCoder(coding)
  exchange.onEnd(() => coder.destroy())
  return compressedPage(coder, exchange, () => exchange.abort())
}

/** Scripts, styles and pictures are asked for without. */
function asksForPage({ head }: WireExchange): boolean {
  return lineOf(head, ACCEPT).includes('text/html')
}

/** Whether a page is to be composed, and whether it waits for its required fragments. */
function wishOf({ compose, hold }: Route, head: ResponseHead): { readonly holds: boolean } | undefined {
  const [value = '', ...parameters] = lineOf(head, HYDRA_COMPOSE)
    .split(';')
    .map((part) => part.trim().toLowerCase())
  if (value !== '1') return compose || hold ? { holds: hold === true } : undefined
  return { holds: hold === true || parameters.includes('hold') }
}

function lineOf(head: Head, id: number): string {
  const line = head.find(id)
  return line < 0 ? '' : head.value(line)
}

/** RFC 9111, 5.2.2.6: its bytes are not ours to change, but for what it asked for. */
function mayTransform(head: ResponseHead): boolean {
  return !head.all('cache-control').some((value) => /(?:^|[\s,])no-transform(?=$|[\s,])/i.test(value))
}

/** To HEAD the head goes that a GET has, and nothing after it. */
function headOnly(exchange: WireExchange): Composition {
  return {
    onDrain: undefined,
    isBlocked: false,
    write: () => SENT,
    finish: () => exchange.finish(),
    flush: () => exchange.flush(),
    cancel() {},
  }
}

function hintsOf(assets: readonly Asset[]): readonly string[] {
  const hints: string[] = []
  let bytes = 0
  for (const hint of new Set(assets.map(assetHint))) {
    bytes += hint.length
    if (hints.length === MOST_HINTS || bytes > MOST_HINT_BYTES) break
    hints.push(hint)
  }
  return hints
}

/** Entries of `Server-Timing` for fragments that were there before the head left. */
const MOST_TIMED = 20
const NO_TOKEN = /[^!#$%&'*+\-.^_`|~0-9A-Za-z]+/g

function timingOf(settled: readonly Outcome[]): string | undefined {
  if (settled.length === 0) return undefined
  return settled
    .slice(0, MOST_TIMED)
    .map(({ report, reason }) => {
      const name = `fragment-${report.service}.${report.ref}`.replace(NO_TOKEN, '_')
      return `${name};dur=${report.durationMs.toFixed(2)}${reason ? `;desc="${reason}"` : ''}`
    })
    .join(', ')
}
