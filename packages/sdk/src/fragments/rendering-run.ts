/**
 * The fragments of one page on their way: own ones rendered here, those of others asked from the gateway, each as
 * soon as the flow of the page lets it.
 *
 * The flow says when a fragment may start. One of another service may be sent before that, together with those it
 * waits for, when all of these are of others too: the gateway knows the same flow and does the waiting. What it
 * answers is put in where the flow has come to, so the page is the same as if each had been asked for by itself.
 *
 * @module
 */
import {
  type FallbackReason,
  type FragmentContext,
  type FragmentReport,
  MOST_CALL_BYTES,
  MOST_DEPTH,
  MOST_REF_LENGTH,
  MOST_SERVICE_LENGTH,
} from '@hydra-gateway/protocol'
import {
  type Asset,
  assetsOf,
  createFlow,
  type FragmentNode,
  fillNames,
  formatTransfer,
  type Start,
} from '@hydra-gateway/protocol/fragments'
import { nameForLog } from '../log.ts'
import { createSeldom } from '../seldom.ts'
import { type Answered, type Asked, askGateway, formatQuestion, type QuestionFailure } from './ask.ts'
import type { PageBinding, VisitorSessions } from './binding.ts'
import { declaredAssets } from './declared-assets.ts'
import { FragmentFailure } from './failure.ts'
import { messageOf } from './local.ts'
import { isFilled, isOwn } from './page-program.ts'
import { createGrouping, type Progress } from './question-group.ts'
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

const ofServices = new WeakMap<PageBinding, ReturnType<typeof createSeldom>>()

/** Says what is wrong with HTML that was made for one request, as the next may have the same. */
export function warnOfMade(name: string, warnings: readonly string[], binding: PageBinding): void {
  if (warnings.length > 0) seldomOf(binding)(`${name} made`, warnings.join('; '))
}

/** What is said seldom is so for all pages of a service together. */
function seldomOf(binding: PageBinding): ReturnType<typeof createSeldom> {
  let seldom = ofServices.get(binding)
  if (!seldom) {
    seldom = createSeldom(binding.log.warn, () => performance.now())
    ofServices.set(binding, seldom)
  }
  return seldom
}

/** Starts the fragments of a page. */
export function createRun(options: RunOptions): Run {
  const { nodes, attributes, context, binding, budgetMs } = options
  const { service: own, fragments, log } = binding
  const seldom = seldomOf(binding)
  const beganAt = performance.now()
  const elapsed = () => performance.now() - beganAt
  const flow = createFlow({ attributes })
  const services = nodes.map((node) => fillNames(node.service, attributes))
  const refs = nodes.map((node) => fillNames(node.ref, attributes))
  for (const node of nodes) flow.add(node, node.parent)
  flow.closeAhead()

  const grouping = createGrouping(nodes, attributes)
  const outcomes: (Outcome | undefined)[] = []
  const reports: (FragmentReport | undefined)[] = []
  const jobs = new Map<number, Job>()
  /** Asked from the gateway, and not answered. */
  const asked = new Set<number>()
  /** Answered before the flow came to them. */
  const early = new Map<number, Answered>()
  const questions = new Set<() => void>()
  /** Sessions that changed, by service, and the fragment that said so: of several, the last in the page stays. */
  const changed = new Map<string, { readonly session: unknown; readonly by: number }>()
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
    if (flow.isSettled && questions.size === 0) clearTimeout(budget)
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
    for (const cancel of questions) cancel()
    questions.clear()
    tell()
  }

  /** Time is up: what is not there yet shows its fallback, and nothing more is asked for. */
  function giveUp(reason: FallbackReason): void {
    isOver = reason
    isLoaded = true
    for (const cancel of questions) cancel()
    questions.clear()
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
    const refusal = answered ? undefined : refusalOf(service, ref)
    if (answered) accept(index, answered)
    else if (refusal) fallBack(index, refusal)
    else if (isLocal) renderLocal(start)
    else if (asked.has(index)) guard(index, timeOf(index) + GRACE_MS, 'timeout')
    else return false
    return true
  }

  function refusalOf(service: string, ref: string): FallbackReason | undefined {
    if (isOver) return isOver
    if ((context.depth ?? 0) >= MOST_DEPTH || (context.chain?.length ?? 0) >= MOST_DEPTH) {
      say('depth', `fragments stand inside each other more than ${MOST_DEPTH} deep; fallbacks are shown`)
      return 'depth'
    }
    if (context.chain?.includes(`${service}#${ref}`)) {
      say(
        `recursion ${service}#${ref}`,
        `${service}#${ref} stands inside itself (${context.chain.join(' > ')}); its fallback is shown`,
      )
      return 'recursion'
    }
    // Filled in from attributes, it may be anything; a question with one of these in it would be refused as a whole.
    const isShort = service.length <= MOST_SERVICE_LENGTH && ref.length <= MOST_REF_LENGTH
    return isFilled(service) && isFilled(ref) && isShort ? undefined : 'unresolved-name'
  }

  function timeOf(index: number): number {
    const left = Math.max(1, budgetMs - elapsed())
    return Math.ceil(Math.min(nodes[index]?.timeoutMs ?? left, left))
  }

  function guard(index: number, ms: number, reason: FallbackReason, before?: () => void): void {
    const job = jobs.get(index)
    if (!job) return
    const timer = setTimeout(() => {
      before?.()
      fallBack(index, reason)
      step()
    }, ms)
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
    outcomes[index] = {
      html,
      reason,
      assets,
      service: services[index] || own,
      ref: refs[index] ?? nodes[index]?.ref ?? '',
    }
    reports[index] = report ?? reportOf(index, job, html, reason)
  }

  function fallBack(index: number, reason: FallbackReason, report?: FragmentReport): void {
    jobs.get(index)?.stop()
    conclude(index, undefined, reason, [], report)
    flow.settle(index, undefined)
  }

  function keep(service: string, session: unknown, by: number): void {
    const before = changed.get(service)
    if (session !== undefined && (!before || before.by <= by)) changed.set(service, { session, by })
  }

  // ---- own ones ---------------------------------------------------------------------------------------

  function renderLocal({ index, ref, values }: Start): void {
    const aborter = new AbortController()
    const abort = (reason: FallbackReason, why: string) => aborter.abort(new FragmentFailure(reason, why))
    const ms = timeOf(index)
    guard(index, ms, 'timeout', () => {
      say('timeout', `fragment "${nameForLog(ref)}" took more than ${ms} ms; its fallback is shown`)
      abort('timeout', `nobody waits longer than ${ms} ms`)
    })
    const job = jobs.get(index)!
    const stop = job.stop
    job.stop = () => {
      stop()
      abort('cancelled', 'nobody waits for the fragment any more')
    }
    const session = Object.hasOwn(kept, own) ? kept[own] : undefined
    fragments.render({ ref, values, session, context, signal: aborter.signal }).then(
      (result) => {
        if (jobs.get(index) !== job) return
        stop()
        if ('session' in result) keep(own, result.session, index)
        const owner = { service: own, version: binding.version ?? 0 }
        conclude(index, result.html, undefined, assetsOf(result.assets, owner))
        flow.settle(index, result.exports)
        step()
      },
      (thrown: unknown) => {
        if (jobs.get(index) !== job) return
        const failure = thrown instanceof FragmentFailure ? thrown : undefined
        report(ref, failure, thrown)
        fallBack(index, failure?.reason ?? 'failed')
        step()
      },
    )
  }

  function report(ref: string, failure: FragmentFailure | undefined, thrown: unknown): void {
    const reason = failure?.reason ?? 'failed'
    if (reason === 'declined') return
    const cause = failure ? failure.cause : thrown
    if (reason === 'failed')
      log.error(
        `fragment "${ref}" failed: ${cause instanceof Error ? (cause.stack ?? cause.message) : messageOf(thrown)}`,
      )
    else say(reason, `fragment "${nameForLog(ref)}" is not shown: ${messageOf(thrown)}`)
  }

  // ---- those of others --------------------------------------------------------------------------------

  const progress: Progress = {
    shown: (index) => outcomes[index] && (outcomes[index].html === undefined ? 'fallback' : 'html'),
    isAskable(index) {
      const [service, ref] = [services[index], refs[index]]
      if (outcomes[index] || jobs.has(index) || asked.has(index) || early.has(index)) return false
      return service !== undefined && !!ref && !isOwn(service, own) && !refusalOf(service, ref)
    },
  }

  /** Asks for those that may start, and for those that will when these are there. */
  function ask(starts: readonly Start[]): void {
    const gateway = binding.ask()
    if (!gateway) {
      for (const { index } of starts) fallBack(index, 'no-instance')
      return
    }
    const group = grouping.around(
      starts.map(({ index }) => index),
      progress,
    )
    const ids = new Map(group.map((index) => [`f${index}`, index]))
    const question = formatQuestion({
      asked: [...ids].map(([id, index]): Asked => {
        const [tag, service, ref] = [nodes[index]!, services[index]!, refs[index]!]
        return { id, tag, service, ref, timeoutMs: timeOf(index) }
      }),
      attributes: flow.attributes,
      sessions: kept,
      context,
      service: own,
    })
    const bytes = Buffer.byteLength(JSON.stringify([question.attributes, question.session]))
    if (bytes > MOST_CALL_BYTES) {
      say('large', `attributes for fragments have ${bytes} bytes, at most ${MOST_CALL_BYTES} are sent`)
      for (const { index } of starts) fallBack(index, 'too-large')
      return
    }
    for (const index of group) asked.add(index)
    for (const { index } of starts) guard(index, timeOf(index) + GRACE_MS, 'timeout')
    const askedAt = elapsed()
    let isEnded = false
    const cancel = () => give()
    questions.add(cancel)
    const give = askGateway(gateway, question, {
      onAnswer(answered, sessions) {
        let last = -1
        for (const one of answered) {
          const index = ids.get(one.id)
          if (index === undefined || !asked.delete(index)) continue
          last = Math.max(last, index)
          const { report } = one
          const shifted = report && { ...report, startMs: report.startMs + askedAt }
          if (shifted) hasReports = true
          const answer = { ...one, report: shifted }
          if (jobs.has(index)) accept(index, answer)
          else if (!outcomes[index]) early.set(index, answer)
        }
        // Without a fragment it is the word of the whole question.
        for (const [service, session] of Object.entries(sessions))
          keep(service, session, last === -1 ? nodes.length : last)
        step()
      },
      onEnd(failure) {
        isEnded = true
        questions.delete(cancel)
        const { reason, detail } = failure ?? NOTHING_CAME
        let lost = 0
        for (const [id, index] of ids) {
          if (!asked.delete(index)) continue
          lost++
          if (jobs.has(index)) fallBack(index, reason)
          else if (!outcomes[index]) early.set(index, unanswered(id, reason))
        }
        if (lost > 0) say('lost', `the gateway gave no answer for ${lost} fragments (${detail})`)
        step()
      },
    })
    if (isEnded) questions.delete(cancel)
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

  // ---- what is told -----------------------------------------------------------------------------------

  function reportOf(
    index: number,
    job: Job | undefined,
    html: string | undefined,
    reason: FallbackReason | undefined,
  ): FragmentReport | undefined {
    if (!context.xray) return undefined
    const node = nodes[index]!
    const startMs = job?.startedAt ?? elapsed()
    return {
      id: `f${index}`,
      service: services[index] || own,
      ref: refs[index] ?? node.ref,
      ...(job?.isLocal && { version: binding.version ?? 0, via: 'self' as const }),
      wave: job?.start.wave ?? 1,
      startMs,
      durationMs: elapsed() - startMs,
      bytes: html === undefined ? 0 : Buffer.byteLength(html),
      imports: node.imports.map(formatTransfer),
      exports: node.exports.map(formatTransfer),
      ...(reason && { reason }),
    }
  }

  function say(kind: string, sentence: string): void {
    seldom(`${options.name} ${kind}`, `${options.name}: ${sentence}`)
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
      return assetsOf(fragments.definition(ref)?.options.assets, {
        service: own,
        version: binding.version ?? 0,
      })
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
      while (questions.size > 0 && fault === undefined && elapsed() < until)
        await Promise.race([this.change().catch(() => {}), pause(until - elapsed())])
      for (const cancel of questions) cancel()
      questions.clear()
      clearTimeout(budget)
      if (changed.size === 0) return
      const said = Object.fromEntries([...changed].map(([service, { session }]) => [service, session]))
      changed.clear()
      await options.sessions.save(said)
    },
    cancel() {
      fail(new FragmentFailure('cancelled', 'nobody waits for the page any more'))
    },
  }
}

const NOTHING_CAME: QuestionFailure = { reason: 'failed', detail: 'none came' }

function unanswered(id: string, reason: FallbackReason): Answered {
  return {
    id,
    html: undefined,
    reason,
    exports: {},
    assets: undefined,
    service: undefined,
    version: 0,
    report: undefined,
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
