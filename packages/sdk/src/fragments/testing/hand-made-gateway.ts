/**
 * A gateway made by hand, for tests of pages: it resolves what it is asked as the real one does, by the flow of the
 * page, and renders by a function of the test.
 *
 * @module
 */
import type { FragmentsRequest, RenderedFragment } from '@hydra-gateway/protocol'
import { createFlow, type FragmentTag, parseTransfers } from '@hydra-gateway/protocol/fragments'
import { ERROR_CODES, RSocketError, type StreamReceiver } from '@hydra-gateway/protocol/rsocket'
import type { AskGateway, PageBinding, VisitorSessions } from '../binding.ts'
import type { FragmentDefinition, LocalFragments } from '../definition.ts'
import { createLocalFragments } from '../local.ts'

export interface AskedFor {
  readonly id: string
  readonly service: string
  readonly ref: string
  readonly values: Readonly<Record<string, unknown>>
  readonly session: unknown
}

export type Answer = Partial<Omit<RenderedFragment, 'id'>> & { readonly session?: unknown }
/** Never answered when it stays pending. */
export type Render = (asked: AskedFor) => Answer | Promise<Answer>

export interface HandMadeGateway {
  readonly ask: AskGateway
  /** All questions so far. */
  readonly questions: FragmentsRequest[]
  readonly rendered: AskedFor[]
  /** Questions nobody waited for any more. */
  cancelled: number
  /** Every question ends: the line is lost, or the gateway says why it doesn't answer. */
  lose(problem?: string): void
}

/** `isLate`: what was rendered meanwhile comes in one item, the last first, and the end with it. */
export function createHandMadeGateway(render: Render, { isLate = false } = {}): HandMadeGateway {
  const open = new Set<StreamReceiver>()
  const gateway: HandMadeGateway = {
    questions: [],
    rendered: [],
    cancelled: 0,
    ask(request, receiver) {
      gateway.questions.push(request)
      open.add(receiver)
      queueMicrotask(() => answer(request, receiver))
      return {
        request() {},
        cancel() {
          if (open.delete(receiver)) gateway.cancelled++
        },
      }
    },
    lose(problem) {
      const error = new RSocketError(ERROR_CODES.CONNECTION_CLOSE, 'the line is lost', problem)
      for (const receiver of open) receiver.onEnd(error)
      open.clear()
    },
  }

  function answer(request: FragmentsRequest, receiver: StreamReceiver): void {
    const flow = createFlow({ attributes: request.attributes ?? {} })
    const ids: string[] = []
    for (const [service, list] of Object.entries(request.requests)) {
      for (const { id, ref, imports, exports } of list) {
        const tag: FragmentTag = {
          service,
          ref,
          imports: (imports ?? []).flatMap(parseTransfers),
          exports: (exports ?? []).flatMap(parseTransfers),
          timeoutMs: undefined,
          required: false,
          live: false,
          at: { line: 1, column: 1 },
        }
        ids[flow.add(tag)] = id
      }
    }
    flow.closeAhead()
    let news: RenderedFragment[] = []
    let sessions: VisitorSessions = {}
    const flush = () => {
      const item = { type: 'RESOLVED_FRAGMENT', fragments: news, attributes: {}, sessions }
      if (open.has(receiver) && news.length > 0) receiver.onItem(item, 0)
      news = []
      sessions = {}
      if (flow.isSettled && open.delete(receiver)) receiver.onEnd(undefined)
    }
    const give = (fragment: RenderedFragment, session: VisitorSessions = {}) => {
      news.unshift(fragment)
      sessions = { ...sessions, ...session }
      if (!isLate) flush()
      else if (news.length === 1) setTimeout(flush, 2)
    }
    const go = () => {
      const { starts, declined } = flow.take()
      for (const { index, reason } of declined) give({ id: ids[index]!, renderedHTML: null, reason })
      for (const { index, service, ref, values } of starts) {
        const id = ids[index]!
        const asked = { id, service, ref, values, session: request.session?.[service] }
        gateway.rendered.push(asked)
        Promise.resolve(render(asked)).then(({ session, ...answer }) => {
          const fragment = { id, renderedHTML: null, ...answer }
          flow.settle(index, fragment.renderedHTML === null ? undefined : (answer.exports ?? {}))
          give(fragment, session === undefined ? {} : { [service]: session })
          go()
        })
      }
      if (flow.isSettled && news.length === 0) flush()
    }
    go()
  }
  return gateway
}

export interface TestBinding extends PageBinding {
  readonly lines: string[]
}

/** A service `shop` with these fragments, behind a gateway. */
export function bindingOf(
  gateway: { readonly ask: AskGateway } | undefined,
  definitions: readonly FragmentDefinition[] = [],
  others: Partial<PageBinding> = {},
): TestBinding {
  const lines: string[] = []
  const write = (line: string) => void lines.push(line)
  const log = { info: write, warn: write, error: write }
  const fragments: LocalFragments = createLocalFragments({
    service: 'shop',
    definitions,
    identify: undefined,
    log,
    nested: () => undefined,
  })
  return { service: 'shop', fragments, ask: () => gateway?.ask, log, sessions: undefined, lines, ...others }
}
