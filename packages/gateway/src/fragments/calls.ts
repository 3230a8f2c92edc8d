/**
 * Calls to instances: as few as possible, and one for each where a shared one would let one fragment hold up others.
 *
 * Who speaks our protocol is asked over its channel for all fragments at once, as each comes by itself, and over HTTP
 * with one call each. Medusa's applications answer all or nothing: one call for all, and when it is refused one
 * for each (`medusa.md` 2.1).
 * What they are sent is in `call-request.ts`, what they are told of who is signed in in `call-tokens.ts`.
 *
 * @module
 */
import {
  type FallbackReason,
  type FragmentAssets,
  MOST_SESSION_BYTES,
  type RenderedFragment,
  type RenderRequest,
} from '@hydra-gateway/protocol'
import type { Instance } from '../routing/upstream.ts'
import { agreeing, createCallRequests } from './call-request.ts'
import { type CallTokensDeps, createCallTokens } from './call-tokens.ts'
import type { Provider, Refusal } from './choose.ts'
import type { Call, Job, Line } from './job.ts'
import type { FragmentObserver } from './observe.ts'
import type { RenderFailure, ResolutionOptions } from './port.ts'
import type { ResolverSettings } from './settings.ts'

/** A fragment as it came. */
export interface Piece {
  readonly html: string
  /** All attributes it gave; Medusa's applications give none. */
  readonly exports: Readonly<Record<string, unknown>> | undefined
  readonly assets: FragmentAssets | undefined
}

export interface Calls {
  /** Asks for fragments that begin together. */
  ask(jobs: readonly Job[]): void
  /** Nobody waits for a fragment any more. Its call is cancelled when it was for nothing else. */
  giveUp(job: Job): void
  /** Nobody waits for anything. */
  cancel(): void
}

interface CallsDeps extends CallTokensDeps {
  readonly settings: ResolverSettings
  readonly observer: FragmentObserver
  readonly options: Pick<ResolutionOptions, 'attributes' | 'context' | 'passesAll'>
  readonly choose: (job: Job) => Provider | Refusal
  /** What a service keeps of the visitor, and what it wants kept. */
  readonly session: (service: string) => unknown
  readonly onSession: (service: string, session: unknown) => void
  readonly onPiece: (job: Job, piece: Piece) => void
  /** Counts what a call is given; why it is too much, where it is. */
  readonly overGiven: (
    values: Readonly<Record<string, unknown>> | undefined,
    session: unknown,
  ) => Refusal | undefined
  /** Why a fragment whose time is over falls back; undefined when it isn't. */
  readonly lateness: (job: Job, now: number) => Refusal | undefined
}

/** Instances that are tried for one fragment. */
const MOST_TRIED = 2
/** Unresolved placeholders of Medusa's: fragments in fragments, which it never asks for. */
const PLACEHOLDER = /\$#FRGM-[A-Za-z0-9+]{60}/g

export function createCalls(deps: CallsDeps): Calls {
  const { clock, settings, observer, options, choose, onPiece, onFailed, lateness } = deps
  const { context } = options
  const requests = createCallRequests({ page: options, maxBytes: settings.maxBytes, session: deps.session })
  const open = new Set<Call>()
  const lines = new Map<Instance, Line>()
  let isCancelled = false
  const tokens = createCallTokens(deps, () => isCancelled)

  // ---- who is asked for what --------------------------------------------------------------------------

  /** `before`: why the last try failed, which says more than that there is nobody else. */
  const ask = (jobs: readonly Job[], before?: Refusal): void => {
    const groups = new Map<Instance | string, { provider: Provider; jobs: Job[] }>()
    for (const job of jobs) {
      const chosen = choose(job)
      if (!('instance' in chosen)) {
        onFailed(job, before ?? chosen)
        continue
      }
      job.provider = chosen
      const key = tokens.groupOf(job, chosen)
      const group = groups.get(key)
      if (group) group.jobs.push(job)
      else groups.set(key, { provider: chosen, jobs: [job] })
    }
    for (const group of groups.values()) {
      // Its protocol has no place for who is signed in.
      if (!group.provider.instance.isOurs) askMedusa(group.provider, group.jobs)
      else tokens.tell(group.provider, group.jobs, askOurs)
    }
  }
  const askOurs = (provider: Provider, jobs: readonly Job[]): void => {
    if (provider.renderer.via === 'rsocket') callOurs(provider, jobs)
    else askSingly(provider, jobs)
  }
  /** Each by itself, so many at a time: one page must not take every connection there is to an instance. */
  const askSingly = (provider: Provider, jobs: readonly Job[]): void => {
    const { instance } = provider
    let line = lines.get(instance)
    if (!line) {
      line = { provider, waiting: [], running: 0, isMoving: false }
      lines.set(instance, line)
    }
    for (const job of jobs) {
      deps.giveUpAt(job, job.deadline)
      line.waiting.push(job)
    }
    move(line)
  }
  const move = (line: Line): void => {
    // A call that ends at once moves it on from here, not from inside.
    if (line.isMoving) return
    line.isMoving = true
    const { provider, waiting } = line
    while (line.running < settings.maxCallsPerInstance) {
      const job = waiting.shift()
      if (!job) break
      // One that failed may have cancelled all, and whose time is over falls back at any moment.
      if (job.state !== 'asked' || job.deadline <= clock.monotonic()) continue
      if (provider.instance.isOurs) callOurs(provider, [job], line)
      else callMedusa(provider, [job], line)
    }
    line.isMoving = false
  }
  /** One call gives every fragment the same attributes: two that import different values by one name can't share it. */
  const askMedusa = (provider: Provider, jobs: readonly Job[]): void => {
    for (const group of agreeing(jobs)) callMedusa(provider, group)
  }

  const callOurs = (provider: Provider, jobs: readonly Job[], line?: Line): void => {
    const request = requests.ours(jobs)
    let { session } = request
    const given = jobs.filter((job, i) => {
      const over = deps.overGiven(request.requests[i]!.values, session)
      // It is sent once.
      session = undefined
      if (over) onFailed(job, over)
      return over === undefined
    })
    if (given.length === 0) return
    const asked = given.length === jobs.length ? request : requests.ours(given)
    call(provider, given, asked, leftOf(given), line)
  }

  const callMedusa = (provider: Provider, jobs: readonly Job[], line?: Line): void => {
    const request = requests.medusa(jobs)
    const over = deps.overGiven(request.attributes, undefined)
    if (over) {
      for (const job of jobs) onFailed(job, over)
      return
    }
    let leftMs = leftOf(jobs)
    // What it leaves is for asking one by one.
    if (jobs.length > 1) leftMs *= settings.medusaBatchMs / settings.medusaBudgetMs
    call(provider, jobs, request, leftMs, line)
  }

  // ---- one call ---------------------------------------------------------------------------------------

  function call(
    provider: Provider,
    jobs: readonly Job[],
    request: RenderRequest,
    timeoutMs: number,
    line: Line | undefined,
  ): void {
    const { instance, renderer } = provider
    const isMedusa = !instance.isOurs
    const call: Call = {
      jobs: new Map(jobs.map((job) => [job.wireId, job])),
      isOver: false,
      cancel: undefined,
      line,
    }
    if (line) line.running++
    const end = clock.monotonic() + timeoutMs
    for (const job of jobs) {
      job.call = call
      // Exactly then: what renderers keep time by is coarser.
      deps.giveUpAt(job, end)
    }
    /** What Medusa's applications sent so far: their HTML may come in parts. */
    const parts = isMedusa ? new Map<Job, Parts>() : undefined
    open.add(call)

    const cancel = renderer.render(instance, request, Math.max(1, timeoutMs), {
      exchange: context.exchange,
      onFragment(fragment) {
        if (call.isOver) return
        const job = call.jobs.get(fragment.id)
        if (!job || job.call !== call || job.state !== 'asked') {
          const what = job ? 'late-or-repeated' : 'unknown-id'
          observer.dropped(what, { service: instance.service, instance: instance.id })
        } else if (parts) gather(parts, job, fragment)
        else take(job, fragment)
      },
      onSession(session) {
        if (!isMedusa) keep(instance.service, session)
      },
      onEnd(failure) {
        if (call.isOver) return
        close(call)
        const isFailed = (job: Job): boolean => failure !== undefined && !parts?.has(job)
        const left = jobs.filter((job) => job.call === call && job.state === 'asked')
        for (const job of left) if (!isFailed(job)) ended(job, parts)
        if (failure) failed(provider, left.filter(isFailed), failure)
        if (line) move(line)
      },
    })
    if (call.isOver) return
    call.cancel = cancel
  }

  const take = (job: Job, { renderedHTML, reason, exports, assets }: RenderedFragment): void => {
    if (renderedHTML === null) onFailed(job, saidBy(job.service, reason))
    else onPiece(job, { html: renderedHTML, exports: exports ?? {}, assets: assets ?? undefined })
  }

  const gather = (parts: Map<Job, Parts>, job: Job, { renderedHTML }: RenderedFragment): void => {
    if (renderedHTML === null) return
    const known = parts.get(job)
    if (!known) return void parts.set(job, { html: renderedHTML })
    // Beyond the limit it is only measured.
    if (known.html.length <= settings.maxBytes) known.html += renderedHTML
  }

  const ended = (job: Job, parts: Map<Job, Parts> | undefined): void => {
    const html = parts?.get(job)?.html
    if (html !== undefined) onPiece(job, { html: clean(job, html), exports: undefined, assets: undefined })
    else if (parts) onFailed(job, DECLINED)
    else onFailed(job, { reason: 'unreadable', detail: 'the answer of the service says nothing of it' })
  }

  const clean = ({ service, ref }: Job, html: string): string => {
    if (!html.includes('$#FRGM-')) return html
    const cleaned = html.replace(PLACEHOLDER, '')
    if (cleaned !== html)
      observer.dropped('placeholders', {
        service,
        ref,
        detail: 'a fragment inside of it was never resolved by its service',
      })
    return cleaned
  }

  const failed = (provider: Provider, jobs: readonly Job[], failure: RenderFailure): void => {
    const { instance } = provider
    const now = clock.monotonic()
    const again: Job[] = []
    const refusal: Refusal = { reason: failure.reason, detail: failure.detail }
    // Who died in the middle of it will not answer, and a fragment may be rendered twice.
    const isForOthers = failure.nothingSent || failure.reason === 'closed'
    for (const job of jobs) {
      const late = lateness(job, now)
      job.tried.push(instance)
      if (late) onFailed(job, late)
      else if (isForOthers && job.tried.length < MOST_TRIED) again.push(job)
      else if (failure.isRefusal && jobs.length > 1) again.push(job)
      else onFailed(job, refusal)
    }
    if (again.length === 0) return
    if (isForOthers) ask(again, refusal)
    else askSingly(provider, again)
  }

  const keep = (service: string, session: unknown): void => {
    if (session === undefined) return
    const bytes = Buffer.byteLength(JSON.stringify(session) ?? '')
    if (bytes <= MOST_SESSION_BYTES) {
      deps.onSession(service, session)
      return
    }
    const detail = `a session may have ${MOST_SESSION_BYTES} bytes of JSON, not ${bytes}`
    observer.dropped('session', { service, detail })
  }

  return {
    ask,
    giveUp(job) {
      const { call } = job
      job.call = undefined
      if (!call || call.isOver) return
      for (const other of call.jobs.values()) if (other.call === call) return
      end(call)
    },
    cancel() {
      isCancelled = true
      for (const { waiting } of lines.values()) waiting.length = 0
      for (const call of open) end(call)
    },
  }

  function end(call: Call): void {
    close(call)
    call.cancel?.()
    if (call.line) move(call.line)
  }

  function close(call: Call): void {
    call.isOver = true
    open.delete(call)
    if (call.line) call.line.running--
  }

  function leftOf(jobs: readonly Job[]): number {
    return latestOf(jobs) - clock.monotonic()
  }
}

const DECLINED: Refusal = Object.freeze({ reason: 'declined', detail: 'it has nothing to show' })

/** Why a service sent none; one that gives no reason has nothing to show. */
function saidBy(service: string, reason: FallbackReason | undefined): Refusal {
  if (reason === undefined || reason === 'declined') return DECLINED
  if (reason === 'failed') return { reason, detail: `its handler failed; the log of ${service} says how` }
  return { reason, detail: `${service} does not show it: ${reason}` }
}

interface Parts {
  html: string
}

function latestOf(jobs: readonly Job[]): number {
  let latest = 0
  for (const { deadline } of jobs) if (deadline > latest) latest = deadline
  return latest
}
