/**
 * The questions of one page to the gateway: which fragments of others are asked for, and what came of each.
 *
 * One may be asked for before the flow lets it start, together with those it waits for, when all of these are of
 * others too: the gateway knows the same flow and does the waiting. So each question asks for as many as it can.
 *
 * @module
 */
import { type FallbackReason, type FragmentContext, MOST_CALL_BYTES } from '@hydra-gateway/protocol'
import type { FragmentNode } from '@hydra-gateway/protocol/fragments'
import { type Answered, type Asked, askGateway, formatQuestion, type QuestionFailure } from './ask.ts'
import type { PageBinding, VisitorSessions } from './binding.ts'
import type { Say } from './page-log.ts'
import { createGrouping, type Progress } from './question-group.ts'

export interface QuestionsOptions {
  readonly nodes: readonly FragmentNode[]
  /** Of each node, filled in. */
  readonly services: readonly (string | undefined)[]
  readonly refs: readonly (string | undefined)[]
  /** Those the page has by itself. */
  readonly attributes: Readonly<Record<string, unknown>>
  readonly context: FragmentContext
  readonly binding: PageBinding
  readonly say: Say
  /** How far the page is; that one has been asked for already is known here. */
  readonly progress: Progress
  /** How long the page waits for a fragment from now on, ms. */
  readonly timeOf: (index: number) => number
  /** Since the page began, ms. */
  readonly elapsed: () => number
  /**
   * Something came, by index; one the gateway gave no answer for has no HTML, but a reason. Also called with nothing
   * when a question is over. Times in reports are those of the page.
   */
  readonly onAnswers: (answers: ReadonlyMap<number, Answered>, sessions: VisitorSessions) => void
}

/** What goes into a question, as it is by now. */
export interface Known {
  /** The page's, with all exports so far. */
  readonly attributes: Readonly<Record<string, unknown>>
  readonly sessions: VisitorSessions
}

export interface Questions {
  /**
   * Asks for those that may start, and for those that will when these are there. When nobody can be asked, returns
   * why: nothing is called back then.
   */
  ask(starts: readonly number[], known: Known): FallbackReason | undefined
  /** It was asked for, and there is no answer yet. */
  isAsked(index: number): boolean
  /** The answer to a question has not ended. */
  readonly isOpen: boolean
  /** Nobody waits for any of them any more: nothing is called back afterwards. */
  giveUp(): void
}

const NOTHING_CAME: QuestionFailure = { reason: 'failed', detail: 'none came' }

/** Prepares a page; nothing is asked yet. */
export function createQuestions(options: QuestionsOptions): Questions {
  const { nodes, services, refs, context, binding, say, timeOf, elapsed, onAnswers } = options
  const grouping = createGrouping(nodes, options.attributes)
  const asked = new Set<number>()
  /** How to give each open one up. */
  const open = new Set<() => void>()
  const progress: Progress = {
    shown: options.progress.shown,
    isAskable: (index) => !asked.has(index) && options.progress.isAskable(index),
  }

  return {
    ask(starts, { attributes, sessions }) {
      const gateway = binding.ask()
      if (!gateway) return 'no-instance'
      const ids = new Map(grouping.around(starts, progress).map((index) => [`f${index}`, index]))
      const question = formatQuestion({
        asked: [...ids].map(([id, index]): Asked => {
          const [tag, service, ref] = [nodes[index]!, services[index]!, refs[index]!]
          return { id, tag, service, ref, timeoutMs: timeOf(index) }
        }),
        attributes,
        sessions,
        context,
        service: binding.service,
      })
      const bytes = Buffer.byteLength(JSON.stringify([question.attributes, question.session]))
      if (bytes > MOST_CALL_BYTES) {
        say('large', `attributes for fragments have ${bytes} bytes, at most ${MOST_CALL_BYTES} are sent`)
        return 'too-large'
      }
      for (const index of ids.values()) asked.add(index)
      const askedAt = elapsed()
      const cancel = () => give()
      open.add(cancel)
      const give = askGateway(gateway, question, {
        onAnswer(answered, changed) {
          const answers = new Map<number, Answered>()
          for (const one of answered) {
            const index = ids.get(one.id)
            if (index === undefined || !asked.delete(index)) continue
            const { report } = one
            answers.set(index, {
              ...one,
              report: report && { ...report, startMs: report.startMs + askedAt },
            })
          }
          onAnswers(answers, changed)
        },
        onEnd(failure) {
          open.delete(cancel)
          const { reason, detail } = failure ?? NOTHING_CAME
          const lost = [...ids].filter(([, index]) => asked.delete(index))
          if (lost.length > 0)
            say('lost', `the gateway gave no answer for ${lost.length} fragments (${detail})`)
          onAnswers(new Map(lost.map(([id, index]) => [index, unanswered(id, reason)])), {})
        },
      })
      return undefined
    },
    isAsked: (index) => asked.has(index),
    get isOpen() {
      return open.size > 0
    },
    giveUp() {
      for (const cancel of open) cancel()
      open.clear()
    },
  }
}

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
