/**
 * One question to the gateway: some fragments of a page, answered as a stream with each as it is there.
 *
 * The gateway does the waves among those of one question, so it is told their lists; of the page's attributes it
 * gets those that are imported.
 *
 * @module
 */
import {
  FALLBACK_REASONS,
  type FallbackReason,
  type FragmentAssets,
  type FragmentContext,
  type FragmentReport,
  type FragmentsRequest,
  fragmentAssets,
  fragmentReport,
} from '@hydra-gateway/protocol'
import { type FragmentTag, formatTransfer, readValue, rootOf } from '@hydra-gateway/protocol/fragments'
import type { RSocketError, Source } from '@hydra-gateway/protocol/rsocket'
import { isDevToken } from '../identity/dev-users.ts'
import type { AskGateway, VisitorSessions } from './binding.ts'
import { isKeepable } from './sessions.ts'

/** A fragment the gateway is asked for; its names are filled in. */
export interface Asked {
  readonly id: string
  readonly tag: FragmentTag
  readonly service: string
  readonly ref: string
  readonly timeoutMs: number
}

export interface Question {
  readonly asked: readonly Asked[]
  /** The page's, with all exports so far. */
  readonly attributes: Readonly<Record<string, unknown>>
  readonly sessions: VisitorSessions
  readonly context: FragmentContext
  /** Who asks. */
  readonly service: string
}

/** What the gateway says of one fragment. */
export interface Answered {
  readonly id: string
  readonly html: string | undefined
  readonly reason: FallbackReason
  readonly exports: Readonly<Record<string, unknown>>
  readonly assets: FragmentAssets | undefined
  readonly service: string | undefined
  readonly version: string | number
  readonly report: FragmentReport | undefined
}

/** Why there is no answer to what was not answered yet. */
export interface QuestionFailure {
  readonly reason: FallbackReason
  readonly detail: string
}

export interface AnswerReceiver {
  onAnswer(answered: readonly Answered[], sessions: VisitorSessions): void
  /** Nothing more comes; `failure` says why, when it ended badly. */
  onEnd(failure: QuestionFailure | undefined): void
}

const REASONS: ReadonlySet<string> = new Set(FALLBACK_REASONS)

/** Puts a question into the words of the wire. */
export function formatQuestion({
  asked,
  attributes,
  sessions,
  context,
  service,
}: Question): FragmentsRequest {
  const requests = new Map<string, FragmentsRequest['requests'][string]>()
  const imported = new Map<string, unknown>()
  for (const { id, tag, service: provider, ref, timeoutMs } of asked) {
    for (const { from } of tag.imports) {
      const value = readValue(attributes, rootOf(from))
      if (value !== undefined) imported.set(rootOf(from), value)
    }
    const list = requests.get(provider) ?? []
    requests.set(provider, list)
    list.push({
      id,
      ref,
      ...(tag.imports.length > 0 && { imports: tag.imports.map(formatTransfer) }),
      ...(tag.exports.length > 0 && { exports: tag.exports.map(formatTransfer) }),
      timeoutMs,
    })
  }
  const kept = [...requests.keys()].filter((provider) => Object.hasOwn(sessions, provider))
  return {
    service,
    attributes: Object.fromEntries(imported),
    requests: Object.fromEntries(requests),
    ...(kept.length > 0 && { session: Object.fromEntries(kept.map((name) => [name, sessions[name]])) }),
    context: outward(context),
  }
}

/** A fake user means nothing outside of this process. */
function outward(context: FragmentContext): FragmentContext {
  if (!isDevToken(context.token)) return context
  const { token: _fake, ...others } = context
  return others
}

/** Asks. Returns how to give up: nothing is called back afterwards. */
export function askGateway(ask: AskGateway, request: FragmentsRequest, receiver: AnswerReceiver): () => void {
  let isOver = false
  const end = (failure: QuestionFailure | undefined) => {
    if (isOver) return
    isOver = true
    receiver.onEnd(failure)
  }
  let source: Source | undefined
  source = ask(request, {
    // Each item is taken at once: what is not shown yet has to be somewhere.
    demand: 8,
    onItem(item) {
      if (isOver) return
      const { fragments, sessions } = readAnswer(item)
      receiver.onAnswer(fragments, sessions)
      if (!isOver) source?.request(1)
    },
    onEnd: (error) => end(error && { reason: reasonOf(error), detail: error.message }),
  })
  return () => {
    if (isOver) return
    isOver = true
    source?.cancel()
  }
}

/** What a gateway says that doesn't take a question, in our words. */
function reasonOf({ problem }: Pick<RSocketError, 'problem'>): FallbackReason {
  if (problem === 'HYDRA_TOO_LARGE') return 'too-large'
  return problem === 'HYDRA_OVERLOADED' ? 'overloaded' : 'closed'
}

/** Reads an item. What is not understood is left out; whoever waits for it sees its fallback. */
export function readAnswer(item: unknown): {
  readonly fragments: readonly Answered[]
  readonly sessions: VisitorSessions
} {
  if (!isRecord(item)) return { fragments: [], sessions: {} }
  const fragments = Array.isArray(item.fragments) ? item.fragments.flatMap(answeredOf) : []
  const sessions = isRecord(item.sessions) ? Object.entries(item.sessions) : []
  return { fragments, sessions: Object.fromEntries(sessions.filter(([, session]) => isKeepable(session))) }
}

function answeredOf(given: unknown): Answered[] {
  if (!isRecord(given) || typeof given.id !== 'string') return []
  const { id, renderedHTML, exports, assets, service, version, reason } = given
  const html = typeof renderedHTML === 'string' ? renderedHTML : undefined
  const report = given.report === undefined ? undefined : fragmentReport.safeParse(given.report).data
  return [
    {
      id,
      html,
      reason: isReason(reason) ? reason : (report?.reason ?? 'failed'),
      exports: isRecord(exports) ? exports : {},
      assets: assets === undefined || assets === null ? undefined : fragmentAssets.safeParse(assets).data,
      service: typeof service === 'string' ? service : undefined,
      version: typeof version === 'string' || typeof version === 'number' ? version : 0,
      report,
    },
  ]
}

function isReason(word: unknown): word is FallbackReason {
  return typeof word === 'string' && REASONS.has(word)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
