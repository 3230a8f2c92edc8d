/**
 * Services for tests of the resolver: who is there is said, every call is kept, and answers come when the test
 * says so.
 *
 * @module
 */
import type { RenderedFragment, RenderRequest } from '@hydra-gateway/protocol'
import { type FragmentTag, parseTransfers } from '@hydra-gateway/protocol/fragments'
import { createManualClock, type ManualClock } from '../../observe/manual-clock.ts'
import { emptyTable } from '../../routing/table.ts'
import type { Instance } from '../../routing/upstream.ts'
import type {
  FragmentIdentity,
  Outcome,
  PageContext,
  Renderer,
  RenderFailure,
  RenderReceiver,
  Resolution,
} from '../port.ts'
import { createResolver } from '../resolver.ts'
import type { ResolverSettings } from '../settings.ts'

export function instanceOf(service: string, more: Partial<Instance> = {}): Instance {
  return {
    id: `${service}-1`,
    service,
    manifest: service,
    channel: 'rsocket',
    address: { protocol: 'http', host: '127.0.0.1', port: 1 },
    version: 1,
    weight: 10,
    awakening: 'NEWEST_VERSION_WINS',
    affinity: false,
    isOurs: true,
    ...more,
  }
}

export function tag(
  service: string,
  ref: string,
  {
    imports = '',
    exports = '',
    timeoutMs,
  }: { readonly imports?: string; readonly exports?: string; readonly timeoutMs?: number } = {},
): FragmentTag {
  return {
    service,
    ref,
    imports: parseTransfers(imports),
    exports: parseTransfers(exports),
    timeoutMs,
    required: false,
    live: false,
    at: { line: 1, column: 1 },
  }
}

/** A fragment as a service sends it; `ref` stands for the id it was asked for by. */
export function html(
  ref: string,
  renderedHTML: string | null,
  exports?: Record<string, unknown>,
): RenderedFragment {
  return { id: `ref:${ref}`, renderedHTML, ...(exports && { exports }) }
}

export function fail(
  reason: RenderFailure['reason'],
  { nothingSent = false, isRefusal = false, detail = reason as string } = {},
): RenderFailure {
  return { reason, nothingSent, isRefusal, detail }
}

/** A call as the service sees it. */
export interface PlayedCall {
  readonly instance: Instance
  readonly request: RenderRequest
  readonly timeoutMs: number
  isCancelled: boolean
  sends(...fragments: RenderedFragment[]): void
  keeps(session: unknown): void
  /** Sends these, and ends. */
  answers(...fragments: RenderedFragment[]): void
  answersWith(render: (id: string, ref: string) => RenderedFragment): void
  fails(failure: RenderFailure): void
}

export interface PlayedPage {
  readonly clock: ManualClock
  readonly resolution: Resolution
  readonly calls: PlayedCall[]
  readonly outcomes: Map<number, Outcome>
  /** Service and outcome of every fragment, as metrics have it. */
  readonly counted: [service: string, outcome: string][]
  readonly dropped: string[]
  readonly lines: { readonly level: string; readonly fields: Record<string, unknown> }[]
  readonly isDone: boolean
  /** Visitors are given the last instance instead of the first. */
  pickLast: boolean
  add(...tags: FragmentTag[]): void
  addAs(id: string, tag: FragmentTag, more?: { readonly fallback?: string; readonly parent?: number }): void
  /** Nothing is added for now: everything is asked for that can be. */
  go(): Promise<void>
  /** Lets everything happen that waits for nobody. */
  turn(): Promise<void>
  shown(): (string | undefined)[]
  reasons(): (string | undefined)[]
  /** What was asked for, from one call on. */
  refs(from?: number): string[]
}

interface Scene {
  readonly services: readonly Instance[]
  /** Services without instances. */
  readonly known?: readonly string[]
  /** Instances no renderer reaches. */
  readonly unreachable?: readonly Instance[]
  readonly attributes?: Readonly<Record<string, unknown>>
  readonly session?: Readonly<Record<string, unknown>>
  readonly clock?: ManualClock
  readonly budgetMs?: number
  readonly via?: Renderer['via']
  readonly identity?: Pick<FragmentIdentity, 'guard' | 'serviceTokens'>
  readonly settings?: Partial<ResolverSettings>
  readonly context?: Partial<PageContext>
  readonly passesAll?: boolean
}

export function start(scene: Scene): PlayedPage {
  const { services, known = [], unreachable = [], clock = createManualClock(), via = 'rsocket' } = scene
  let table = emptyTable()
  const all = [...services, ...unreachable]
  for (const name of new Set([...all.map(({ service }) => service), ...known])) {
    table = table.withService({
      service: { name, title: name, channel: 'rsocket' },
      rank: 1,
      manifests: [],
      instances: all.filter(({ service }) => service === name),
    })
  }

  const calls: PlayedCall[] = []
  const renderer: Renderer = {
    via,
    reaches: (instance) => !unreachable.includes(instance),
    render(instance, request, timeoutMs, receiver) {
      const call = playedCall(instance, request, timeoutMs, receiver)
      calls.push(call)
      return () => {
        call.isCancelled = true
      }
    },
  }
  const counted: PlayedPage['counted'] = []
  const dropped: string[] = []
  const lines: PlayedPage['lines'] = []
  const say = (level: string) => (fields: object) =>
    void lines.push({ level, fields: fields as Record<string, unknown> })
  const resolver = createResolver({
    table: () => table,
    renderers: [renderer],
    identity: scene.identity,
    settings: {
      medusaBudgetMs: 1700,
      medusaBatchMs: 1100,
      maxBytes: 2 ** 20,
      maxCallsPerInstance: 32,
      maxPerPage: 1000,
      maxPageBytes: 2 ** 24,
      ...scene.settings,
    },
    clock,
    log: {
      debug: say('debug'),
      info: say('info'),
      warn: say('warn'),
      error: say('error'),
      isLevelEnabled: () => true,
    } as never,
    metrics: {
      fragment: (service, outcome) => void counted.push([service, outcome]),
      fragmentDropped: (what) => void dropped.push(what),
    },
  })

  const outcomes = new Map<number, Outcome>()
  let isDone = false
  let asked = 0
  const resolution = resolver.open({
    context: {
      service: 'shop',
      exchange: 'x1',
      visitor: {
        select(service, isOffered, tried) {
          const fit = table
            .instances(service)
            .filter((each) => isOffered(each) && !tried.some(({ id }) => id === each.id))
          return page.pickLast ? fit.at(-1) : fit[0]
        },
      },
      route: 'v1.x',
      caller: undefined,
      token: undefined,
      locale: undefined,
      traceparent: undefined,
      depth: 0,
      chain: [],
      isXray: false,
      ...scene.context,
    },
    attributes: scene.attributes ?? {},
    budgetMs: scene.budgetMs ?? 3000,
    session: scene.session,
    ...(scene.passesAll && { passesAll: true }),
    onSettled(outcome) {
      if (outcomes.has(outcome.index)) throw new Error(`fragment ${outcome.index} settled twice`)
      outcomes.set(outcome.index, outcome)
    },
    onDone() {
      if (isDone) throw new Error('done twice')
      isDone = true
    },
  })
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  const inOrder = <T>(read: (outcome: Outcome) => T): (T | undefined)[] =>
    Array.from({ length: asked }, (_, index) => {
      const outcome = outcomes.get(index)
      return outcome && read(outcome)
    })

  const page: PlayedPage = {
    clock,
    resolution,
    calls,
    outcomes,
    counted,
    dropped,
    lines,
    get isDone() {
      return isDone
    },
    pickLast: false,
    add(...tags) {
      for (const each of tags) page.addAs(String(asked), each)
    },
    addAs(id, each, more = {}) {
      resolution.add(each, { id, ...more })
      asked++
    },
    async go() {
      resolution.go()
      resolution.closeAhead()
      await turn()
    },
    turn,
    shown: () => inOrder(({ html }) => html),
    reasons: () => inOrder(({ reason }) => reason),
    refs: (from = 0) => calls.slice(from).flatMap(({ request }) => request.requests.map(({ ref }) => ref)),
  }
  return page
}

function playedCall(
  instance: Instance,
  request: RenderRequest,
  timeoutMs: number,
  receiver: RenderReceiver,
): PlayedCall {
  const idOf = (ref: string): string => request.requests.find((item) => item.ref === ref)?.id ?? ref
  const call: PlayedCall = {
    instance,
    request,
    timeoutMs,
    isCancelled: false,
    sends(...fragments) {
      for (const fragment of fragments) {
        const { id } = fragment
        receiver.onFragment(id.startsWith('ref:') ? { ...fragment, id: idOf(id.slice(4)) } : fragment)
      }
    },
    keeps: (session) => receiver.onSession(session),
    answers(...fragments) {
      call.sends(...fragments)
      receiver.onEnd()
    },
    answersWith(render) {
      call.answers(...request.requests.map(({ id, ref }) => render(id, ref)))
    },
    fails: (failure) => receiver.onEnd(failure),
  }
  return call
}
