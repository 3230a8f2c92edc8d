/**
 * The fragments of one page on their way: own ones rendered here, those of others asked from the gateway, each as
 * soon as the flow of the page lets it.
 *
 * The flow says when a fragment may start. One of another service may have been asked for before that: what the
 * gateway answers is put in where the flow has come to, so the page is the same as if each had been asked for by
 * itself.
 *
 * @module
 */
import type { FallbackReason, FragmentContext, FragmentReport } from '@hydra-gateway/protocol'
import {
  type Asset,
  assetsOf,
  createFlow,
  type FragmentNode,
  fillNames,
  type Start,
} from '@hydra-gateway/protocol/fragments'
import type { Answered } from './ask.ts'
import type { PageBinding, VisitorSessions } from './binding.ts'
import { declaredAssets } from './declared-assets.ts'
import { FragmentFailure } from './failure.ts'
import { renderOwn } from './own-rendering.ts'
import { sayFor } from './page-log.ts'
import { isOwn } from './page-program.ts'
import { reportOf } from './page-report.ts'
import { createQuestions } from './questions.ts'
import { refusalOf } from './refusal.ts'
import { createSessionChanges } from './session-changes.ts'
import type { PageSessions } from './sessions.ts'

/** What became of a fragment. */
export interface Outcome {
  /** Undefined: its fallback is shown. */
  readonly html: string | undefined
  readonly reason: FallbackReason | undefined
  readonly assets: readonly Asset[]
  readonly service: string
  readonly ref: string
}

export interface RunOptions {
  /** For log lines. */
  readonly name: string
  readonly nodes: readonly FragmentNode[]
  /** Checked: no fragment exports under these names. */
  readonly attributes: Readonly<Record<string, unknown>>
  readonly context: FragmentContext
  readonly binding: PageBinding
  readonly sessions: PageSessions
  readonly budgetMs: number
}

export interface Run {
  outcome(index: number): Outcome | undefined
  /** Assets that are known before the fragment is rendered. */
  declaredAssets(index: number): readonly Asset[]
  /** Resolves the next time something is there; rejects when the run was cancelled. */
  change(): Promise<void>
  /** All that will ever be shown is there. */
  readonly isSettled: boolean
  readonly attributes: Readonly<Record<string, unknown>>
  /** For developers who may see it: what is known of each, in document order. Empty for everybody else. */
  reports(): readonly FragmentReport[]
  /** Keeps what services want kept. To be called once the page is written. */
  save(): Promise<void>
  cancel(): void
}

/** A fragment under way. */
interface Job {
  readonly start: Start
  readonly startedAt: number
  readonly isLocal: boolean
  stop: () => void
}

/** The gateway keeps the time of its fragments; this is for one that doesn't. */
const GRACE_MS = 250
/** Sessions come with the last item of a question at the latest. */
const LINGER_MS = 100

/** Starts the fragments of a page. */
export function createRun(options: RunOptions): Run {
  const { nodes, attributes, context, binding, budgetMs } = options
  const { service: own, version = 0, fragments } = binding
  const say = sayFor(options.name, binding)
  const beganAt = performance.now()
  const elapsed = () => performance.now() - beganAt
  const flow = createFlow({ attributes })
  const services = nodes.map((node) => fillNames(node.service, attributes))
  const refs = nodes.map((node) => fillNames(node.ref, attributes))
  for (const node of nodes) flow.add(node, node.parent)
  flow.closeAhead()

  const outcomes: (Outcome | undefined)[] = []
  const reports: (FragmentReport | undefined)[] = []
  const jobs = new Map<number, Job>()
  /** Answered before the flow came to them. */
  const early = new Map<number, Answered>()
  const changes = createSessionChanges()
  const questions = createQuestions({
    nodes,
    services,
    refs,
    attributes,
    context,
    binding,
    say,
    progress: {
      shown: (index) => outcomes[index] && (outcomes[index].html === undefined ? 'fallback' : 'html'),
      isAskable(index) {
        const [service, ref] = [services[index], refs[index]]
        if (outcomes[index] || jobs.has(index) || early.has(index)) return false
        return service !== undefined && !!ref && !isOwn(service, own) && !whyNot(service, ref)
      },
    },
    timeOf,
    elapsed,
    onAnswers: take,
  })
  let kept: VisitorSessions = {}
  let waiters: { readonly resolve: () => void; readonly reject: (fault: unknown) => void }[] = []
  let isLoaded = false
  let isOver: FallbackReason | undefined
  let fault: unknown
  let isStepping = false
  let hasReports = false

  const budget = setTimeout(() => giveUp('budget'), budgetMs)

  // ---- steps ------------------------------------------------------------------------------------------

  /** Starts what may start now, until nothing more does. */
  function step(): void {
    if (isStepping || !isLoaded || fault !== undefined) return
    isStepping = true
    try {
      for (;;) {
        const { starts, declined } = flow.take()
        if (starts.length === 0 && declined.length === 0) break
        for (const { index, reason, detail } of declined) {
          say(`declined ${index}`, detail)
          conclude(index, undefined, reason, [])
        }
        const remote = starts.filter((start) => !begin(start))
        if (remote.length > 0) ask(remote)
      }
    } catch (unforeseen) {
      fail(unforeseen)
    }
    isStepping = false
    if (flow.isSettled && !questions.isOpen) clearTimeout(budget)
    tell()
  }

  function tell(): void {
    const told = waiters
    waiters = []
    for (const { resolve, reject } of told) fault === undefined ? resolve() : reject(fault)
  }

  function fail(reason: unknown): void {
    if (fault !== undefined) return
    fault = reason
    clearTimeout(budget)
    const stopped = [...jobs.values()]
    // How they end is nobody's concern any more.
    jobs.clear()
    for (const job of stopped) job.stop()
    questions.giveUp()
    tell()
  }

  /** Time is up: what is not there yet shows its fallback, and nothing more is asked for. */
  function giveUp(reason: FallbackReason): void {
    isOver = reason
    isLoaded = true
    questions.giveUp()
    for (const index of [...jobs.keys()]) fallBack(index, reason)
    step()
  }

  /** Starts one; false for those the gateway has to be asked for. */
  function begin(start: Start): boolean {
    const { index, ref } = start
    const isLocal = isOwn(start.service, own)
    const service = isLocal ? own : start.service
    jobs.set(index, { start, startedAt: elapsed(), isLocal, stop: () => {} })
    const answered = early.get(index)
    const refusal = answered ? undefined : whyNot(service, ref)
    if (answered) accept(index, answered)
    else if (refusal) fallBack(index, refusal)
    else if (isLocal) renderLocal(start)
    else if (questions.isAsked(index)) guard(index)
    else return false
    return true
  }

  function whyNot(service: string, ref: string): FallbackReason | undefined {
    return isOver ?? refusalOf(service, ref, context, say)
  }

  function timeOf(index: number): number {
    const left = Math.max(1, budgetMs - elapsed())
    return Math.ceil(Math.min(nodes[index]?.timeoutMs ?? left, left))
  }

  /** Waits for the gateway, but not for ever. */
  function guard(index: number): void {
    const job = jobs.get(index)
    if (!job) return
    const timer = setTimeout(() => {
      fallBack(index, 'timeout')
      step()
    }, timeOf(index) + GRACE_MS)
    job.stop = () => clearTimeout(timer)
  }

  // ---- what became of them ----------------------------------------------------------------------------

  function conclude(
    index: number,
    html: string | undefined,
    reason: FallbackReason | undefined,
    assets: readonly Asset[],
    report?: FragmentReport,
  ): void {
    const job = jobs.get(index)
    jobs.delete(index)
    const node = nodes[index]!
    const [service, ref] = [services[index] || own, refs[index] ?? node.ref]
    outcomes[index] = { html, reason, assets, service, ref }
    if (!report && !context.xray) return
    const endMs = elapsed()
    reports[index] =
      report ??
      reportOf({
        node,
        service,
        ref,
        version: job?.isLocal ? version : undefined,
        wave: job?.start.wave ?? 1,
        startMs: job?.startedAt ?? endMs,
        endMs,
        html,
        reason,
      })
  }

  function fallBack(index: number, reason: FallbackReason, report?: FragmentReport): void {
    jobs.get(index)?.stop()
    conclude(index, undefined, reason, [], report)
    flow.settle(index, undefined)
  }

  // ---- own ones ---------------------------------------------------------------------------------------

  function renderLocal({ index, ref, values }: Start): void {
    const session = Object.hasOwn(kept, own) ? kept[own] : undefined
    const request = { ref, values, session, context, timeoutMs: timeOf(index) }
    const stop = renderOwn(binding, request, say, {
      onRendered(result) {
        if ('session' in result) changes.keep(own, result.session, index)
        conclude(index, result.html, undefined, assetsOf(result.assets, { service: own, version }))
        flow.settle(index, result.exports)
        step()
      },
      onFailed(reason) {
        fallBack(index, reason)
        step()
      },
    })
    const job = jobs.get(index)
    if (job) job.stop = stop
    // The page was given up while it began.
    else stop()
  }

  // ---- those of others --------------------------------------------------------------------------------

  function ask(starts: readonly Start[]): void {
    for (const { index } of starts) guard(index)
    const indexes = starts.map(({ index }) => index)
    const refusal = questions.ask(indexes, { attributes: flow.attributes, sessions: kept })
    if (refusal) for (const index of indexes) fallBack(index, refusal)
  }

  function take(answers: ReadonlyMap<number, Answered>, sessions: VisitorSessions): void {
    for (const [index, answered] of answers) {
      if (answered.report) hasReports = true
      if (jobs.has(index)) accept(index, answered)
      else if (!outcomes[index]) early.set(index, answered)
    }
    // Without a fragment it is the word of the whole question.
    const by = answers.size === 0 ? nodes.length : Math.max(...answers.keys())
    for (const [service, session] of Object.entries(sessions)) changes.keep(service, session, by)
    step()
  }

  function accept(index: number, answered: Answered): void {
    const { html, reason, exports, assets, service, version, report } = answered
    early.delete(index)
    if (html === undefined) {
      fallBack(index, reason, report)
      return
    }
    jobs.get(index)?.stop()
    const owner = { service: service ?? services[index]!, version }
    conclude(index, html, undefined, assetsOf(assets, owner), report)
    flow.settle(index, exports)
  }

  const begins = (sessions: VisitorSessions) => {
    kept = sessions
    isLoaded = true
    step()
  }
  if (nodes.length === 0) begins({})
  else options.sessions.load().then(begins, fail)

  return {
    outcome: (index) => outcomes[index],
    declaredAssets(index) {
      const [service, ref] = [services[index], refs[index]]
      if (service === undefined || !ref) return []
      if (!isOwn(service, own)) return declaredAssets(binding.overview?.(), service, ref)
      return assetsOf(fragments.definition(ref)?.options.assets, { service: own, version })
    },
    change() {
      if (fault !== undefined) return Promise.reject(fault)
      return new Promise((resolve, reject) => waiters.push({ resolve, reject }))
    },
    get isSettled() {
      return flow.isSettled
    },
    get attributes() {
      return flow.attributes
    },
    reports: () => (hasReports ? reports.filter((one) => one !== undefined) : []),
    async save() {
      const until = elapsed() + LINGER_MS
      while (questions.isOpen && fault === undefined && elapsed() < until)
        await Promise.race([this.change().catch(() => {}), pause(until - elapsed())])
      questions.giveUp()
      clearTimeout(budget)
      const changed = changes.take()
      if (changed) await options.sessions.save(changed)
    },
    cancel() {
      fail(new FragmentFailure('cancelled', 'nobody waits for the page any more'))
    },
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
