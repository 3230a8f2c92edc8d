/**
 * What instances are sent when they are asked for fragments of one page: those that speak our protocol what each
 * fragment is meant to get, Medusa's applications the attributes of the page.
 *
 * The context that is sent names the fragments around the page, not the one that is asked for: a call may be about
 * several. A service that asks for fragments in turn adds `service#ref` of the one it renders to the chain.
 *
 * @module
 */
import type { FragmentContext, RenderItem, RenderRequest } from '@hydra-gateway/protocol'
import { formatTransfer } from '@hydra-gateway/protocol/fragments'
import type { Job } from './job.ts'
import { merged, own, put } from './names.ts'
import type { ResolutionOptions } from './port.ts'

type Values = Readonly<Record<string, unknown>>

export interface CallRequests {
  /** For an instance that speaks our protocol. All jobs are of one service, and tell it the same of who is signed in. */
  ours(jobs: readonly Job[]): RenderRequest
  /** For one of Medusa's: all of these are given the same, so they may not differ in what they import by one name. */
  medusa(jobs: readonly Job[]): RenderRequest
}

export interface CallRequestsDeps {
  readonly page: Pick<ResolutionOptions, 'attributes' | 'context' | 'passesAll'>
  /** Largest HTML of one fragment. */
  readonly maxBytes: number
  /** What a service keeps of the visitor. */
  readonly session: (service: string) => unknown
}

/** Makes the requests of one page. */
export function createCallRequests({ page, maxBytes, session }: CallRequestsDeps): CallRequests {
  const { attributes, context } = page
  let sent: FragmentContext | undefined

  const sentContext = (): FragmentContext => {
    if (sent) return sent
    const { route, locale, depth, chain, traceparent, isXray } = context
    sent = {
      ...(route !== undefined && { route }),
      ...(locale !== undefined && { locale }),
      depth: depth + 1,
      chain: [...chain],
      ...(traceparent !== undefined && { traceparent }),
      ...(isXray && { xray: true }),
    }
    return sent
  }

  const contextWith = (token: string | undefined): FragmentContext =>
    token === undefined ? sentContext() : { ...sentContext(), token }

  /** Only what it is meant to get: what the tag imports, and of pages that can't import what the fragment asks for. */
  const valuesFor = ({ values, provider, ref }: Job): Values => {
    if (!page.passesAll) return values
    const asked: Record<string, unknown> = {}
    for (const name of provider?.instance.refs?.get(ref)?.imports ?? [])
      if (Object.hasOwn(attributes, name)) put(asked, name, own(attributes, name))
    return merged(asked, values)
  }

  return {
    ours: (jobs) => ({
      attributes: {},
      requests: jobs.map((job) => ({ ...itemOf(job), fallback: null, values: valuesFor(job) })),
      session: session(jobs[0]!.service),
      context: contextWith(jobs[0]!.token),
      maxBytes,
    }),
    medusa: (jobs) => ({
      attributes: merged(attributes, importedBy(jobs)),
      requests: jobs.map((job) => ({ ...itemOf(job), fallback: job.fallback ?? null })),
      context: { depth: context.depth + 1 },
      maxBytes,
    }),
  }
}

function importedBy(jobs: readonly Job[]): Values {
  const imported: Record<string, unknown> = {}
  for (const { values } of jobs) for (const name of Object.keys(values)) put(imported, name, values[name])
  return imported
}

/** As few groups as possible in which no name stands for two values. */
export function agreeing(jobs: readonly Job[]): readonly (readonly Job[])[] {
  const groups: { readonly jobs: Job[]; readonly imported: Record<string, unknown> }[] = []
  for (const job of jobs) {
    let group = groups.find(({ imported }) => agree(imported, job.values))
    if (!group) {
      group = { jobs: [], imported: {} }
      groups.push(group)
    }
    group.jobs.push(job)
    for (const name of Object.keys(job.values)) put(group.imported, name, job.values[name])
  }
  return groups.map(({ jobs }) => jobs)
}

function agree(imported: Values, values: Values): boolean {
  return Object.keys(values).every(
    (name) =>
      !Object.hasOwn(imported, name) || JSON.stringify(imported[name]) === JSON.stringify(values[name]),
  )
}

function itemOf({ wireId, service, ref, tag }: Job): Omit<RenderItem, 'fallback'> {
  return {
    id: wireId,
    service,
    ref,
    imports: tag.imports.length === 0 ? NONE : tag.imports.map(formatTransfer),
    exports: tag.exports.length === 0 ? NONE : tag.exports.map(formatTransfer),
  }
}

const NONE: readonly string[] = Object.freeze([])
