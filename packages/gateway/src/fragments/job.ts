/**
 * One fragment on its way: what was asked for, of whom, until when, and what has come.
 *
 * @module
 */
import type { FragmentTag } from '@hydra-gateway/protocol/fragments'
import type { Instance } from '../routing/upstream.ts'
import type { Provider } from './choose.ts'
import type { Cancel } from './port.ts'

export interface Job {
  readonly index: number
  /** What the caller calls it, and what it is called towards services: unique in a page, whatever the caller did. */
  readonly id: string
  readonly wireId: string
  readonly tag: FragmentTag
  readonly fallback: string | undefined
  service: string
  ref: string
  /** Imported values by the fragment's own names. */
  values: Readonly<Record<string, unknown>>
  wave: number
  /** When it was first asked for, by `clock.monotonic()`. */
  startedAt: number
  /** When it falls back, and why then. */
  deadline: number
  /** When it falls back though its deadline is later: what is left is for asking again. */
  giveUpAt: number
  late: 'timeout' | 'budget'
  /** The flow is to be told what became of it. */
  isInFlow: boolean
  state: 'waiting' | 'asked' | 'nested' | 'settled'
  provider: Provider | undefined
  /** What its service is told of who is signed in. */
  token: string | undefined
  tried: Instance[]
  /** The call that is to bring it; answers of any other are of no use. */
  call: Call | undefined
  /** Ends the fragments inside it. */
  cancelNested: Cancel | undefined
}

/** A call to an instance. */
export interface Call {
  readonly jobs: ReadonlyMap<string, Job>
  /** It ended, or is not wanted any more. */
  isOver: boolean
  cancel: Cancel | undefined
  /** The line it is counted in. */
  readonly line: Line | undefined
}

/** Fragments of a page that are asked for one by one from an instance, so many at a time. */
export interface Line {
  readonly provider: Provider
  readonly waiting: Job[]
  running: number
  isMoving: boolean
}

/** `service#ref`: what a chain is made of. */
export function keyOf({ service, ref }: Pick<Job, 'service' | 'ref'>): string {
  return `${service}#${ref}`
}

const NO_VALUES = Object.freeze({})

/** A job that waits for its turn. `ids`: those of the page's others on the wire, which gets its own. */
export function createJob(
  index: number,
  tag: FragmentTag,
  id: string | undefined,
  fallback: string | undefined,
  ids: Set<string>,
): Job {
  let wireId = id ?? `f${index}`
  while (ids.has(wireId)) wireId = `${wireId}.${index}`
  ids.add(wireId)
  return {
    index,
    id: id ?? wireId,
    wireId,
    tag,
    fallback,
    service: tag.service,
    ref: tag.ref,
    values: NO_VALUES,
    wave: 1,
    startedAt: 0,
    deadline: Number.POSITIVE_INFINITY,
    giveUpAt: Number.POSITIVE_INFINITY,
    late: 'budget',
    state: 'waiting',
    isInFlow: false,
    provider: undefined,
    token: undefined,
    tried: [],
    call: undefined,
    cancelNested: undefined,
  }
}
