/**
 * The desk: services ask here for the fragments of their pages (`medusa.md` 1.3, 7.3), however they came.
 *
 * @module
 */
import {
  type FragmentContext,
  type FragmentRequest,
  type FragmentsRequest,
  fragmentsRequest,
  type RenderedFragment,
  type ResolvedFragments,
} from '@hydra-gateway/protocol'
import {
  FragmentError,
  type FragmentTag,
  parseTransfers,
  type Transfer,
} from '@hydra-gateway/protocol/fragments'
import { HydraError } from '../errors.ts'
import type { Caller } from '../identity/port.ts'
import type { Metrics } from '../observe/metrics.ts'
import { own, put } from './names.ts'
import { createCallerOf } from './page-caller.ts'
import type {
  AskedPage,
  FragmentDesk,
  FragmentIdentity,
  Outcome,
  PageCaller,
  Resolution,
  ResolutionOptions,
  Resolver,
  VisitorContext,
} from './port.ts'
import { bytesOfAll, createValueBytes } from './value-bytes.ts'

export interface DeskDeps {
  readonly resolver: Resolver
  /** Whom a page is for, by the value its service was told. */
  readonly contextFrom: (route: string | undefined) => {
    readonly visitor: VisitorContext
    readonly route: string | undefined
    readonly isXray: boolean
  }
  /** A new id, for calls that have none: it joins logs. */
  readonly newExchange: () => string
  /** @default nobody can sign in: what a page says of that is passed on as it is */
  readonly identity?: Pick<FragmentIdentity, 'tokens' | 'revocations'> | undefined
  readonly settings: { readonly pageBudgetMs: number }
  readonly metrics?: Pick<Metrics, 'refused'>
}

/** Makes the desk. */
export function createFragmentDesk(deps: DeskDeps): FragmentDesk {
  const { resolver, contextFrom, newExchange, identity, settings, metrics = UNCOUNTED } = deps
  const callerOf = identity && createCallerOf({ ...identity, metrics })

  return {
    ask(body, caller, onNews) {
      const request = readRequest(body)
      // Before anything is asked for: a request with a fault asks for nothing.
      const wanted = wantedOf(request, caller.medusa !== undefined)
      return begin(request, wanted, caller, onNews)
    },
  }

  function begin(
    request: FragmentsRequest,
    wanted: readonly Wanted[],
    caller: PageCaller,
    onNews: () => void,
  ): AskedPage {
    const { medusa } = caller
    const context: FragmentContext = request.context ?? {}
    // Medusa's callers name no visitor; what others say of theirs is signed.
    const page = contextFrom(medusa ? undefined : (context.route ?? undefined))
    const isXray = page.isXray && context.xray === true
    const news: Outcome[] = []
    const told = new Map<string, unknown>()
    const bytesOf = createValueBytes()
    let isDone = false
    let isNewsDue = false
    let isCancelled = false

    const tell = (): void => {
      if (isNewsDue) return
      isNewsDue = true
      queueMicrotask(() => {
        isNewsDue = false
        if (!isCancelled) onNews()
      })
    }

    const service = caller.service ?? request.service ?? ''
    // Medusa's pages name nobody.
    const token = medusa ? undefined : (context.token ?? undefined)
    let resolution: Resolution | undefined
    const open = (who: Caller | undefined): void => {
      if (isCancelled) return
      resolution = resolver.open(optionsFor(who))
      for (const { tag, id, fallback } of wanted)
        resolution.add(tag, { id, ...(fallback === undefined ? {} : { fallback }) })
      resolution.closeAhead()
      resolution.go()
    }
    const optionsFor = (who: Caller | undefined): ResolutionOptions => ({
      context: {
        service,
        exchange: caller.exchange ?? newExchange(),
        visitor: page.visitor,
        route: page.route,
        caller: who,
        token: callerOf ? undefined : token,
        locale: context.locale ?? undefined,
        traceparent: context.traceparent ?? caller.traceparent,
        depth: Math.max(caller.depth ?? 0, context.depth ?? 0),
        chain: context.chain ?? [],
        isXray,
      },
      attributes: request.attributes ?? {},
      budgetMs: medusa?.budgetMs ?? settings.pageBudgetMs,
      session: request.session ?? undefined,
      ...(medusa && { passesAll: true }),
      onSettled(outcome) {
        news.push(outcome)
        tell()
      },
      onDone() {
        isDone = true
        tell()
      },
    })
    const who = callerOf && token !== undefined ? callerOf(token, service || undefined) : undefined
    if (who instanceof Promise) {
      const fail = (): void => {
        // Whoever waits must not wait for ever.
        isDone = true
        tell()
      }
      who
        .catch(() => undefined)
        .then(open)
        .catch(fail)
    } else open(who)

    return {
      get isDone() {
        return isDone
      },
      get hasNews() {
        return news.length > 0
      },
      take(mostBytes = Number.POSITIVE_INFINITY) {
        const answer: ResolvedFragments = {
          type: 'RESOLVED_FRAGMENT',
          fragments: [],
          attributes: {},
          sessions: {},
        }
        let bytes = 0
        let taken = 0
        for (const outcome of news) {
          // Exports stand in it twice: by their own names, and by those they have in the page.
          bytes += outcome.report.bytes + 2 * bytesOfAll(outcome.exports ?? NOTHING, bytesOf)
          if (taken > 0 && bytes > mostBytes) break
          taken++
          answer.fragments.push(answerOf(outcome, isXray))
          if (outcome.exports === undefined) continue
          for (const { to } of wanted[outcome.index]!.tag.exports) {
            const value = own(resolution!.attributes, to)
            if (value !== undefined) put(answer.attributes, to, value)
          }
        }
        news.splice(0, taken)
        for (const [service, session] of Object.entries(resolution?.sessions ?? NOTHING)) {
          if (told.get(service) === session) continue
          told.set(service, session)
          put(answer.sessions, service, session)
        }
        return answer
      },
      cancel() {
        isCancelled = true
        resolution?.cancel()
      },
    }
  }
}

const NOTHING: Readonly<Record<string, unknown>> = Object.freeze({})
const UNCOUNTED: Pick<Metrics, 'refused'> = { refused() {} }

/** A fragment somebody asks for. */
interface Wanted {
  readonly tag: FragmentTag
  readonly id: string
  readonly fallback: string | undefined
}

function readRequest(body: unknown): FragmentsRequest {
  // A page without fragments may say so with nothing at all.
  const given = isObject(body) && body.requests == null ? { ...body, requests: {} } : body
  const { success, data, error } = fragmentsRequest.safeParse(given)
  if (success) return data
  const [issue] = error.issues
  const path = issue?.path.join('.') || 'the body'
  throw new HydraError('HYDRA_BAD_REQUEST', `${path}: ${issue?.message ?? 'not a request for fragments'}`)
}

function wantedOf({ requests }: FragmentsRequest, isMedusa: boolean): Wanted[] {
  const wanted: Wanted[] = []
  for (const [service, list] of Object.entries(requests)) {
    for (const request of list) {
      const { id, ref, fallback, timeoutMs } = request
      const tag: FragmentTag = {
        service,
        ref,
        imports: transfersOf(request, 'imports', isMedusa),
        // Pages of Medusa take no attributes back.
        exports: isMedusa ? [] : transfersOf(request, 'exports', isMedusa),
        timeoutMs: timeoutMs ?? undefined,
        required: false,
        live: false,
        at: NOWHERE,
      }
      wanted.push({ tag, id, fallback: fallback ?? undefined })
    }
  }
  return wanted
}

const NOWHERE = Object.freeze({ line: 1, column: 1 })

function transfersOf(
  request: FragmentRequest,
  kind: 'imports' | 'exports',
  isMedusa: boolean,
): readonly Transfer[] {
  const items = request[kind]
  if (!items || items.length === 0) return []
  try {
    return parseTransfers(items.join(','))
  } catch (error) {
    // Its pages can't show an error: a list nobody can read is none.
    if (isMedusa) return []
    if (!(error instanceof FragmentError)) throw error
    throw new HydraError('HYDRA_BAD_REQUEST', `${kind} of ${request.ref}: ${error.message}`, { cause: error })
  }
}

function answerOf(
  { html, reason, exports, assets, instance, report }: Outcome,
  isXray: boolean,
): RenderedFragment {
  const { id } = report
  const more = isXray ? { report } : {}
  if (html === undefined) return { id, renderedHTML: null, ...(reason && { reason }), ...more }
  return {
    id,
    renderedHTML: html,
    exports: exports ?? {},
    ...(assets && { assets }),
    ...(instance && { service: instance.service, version: instance.version }),
    ...more,
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
