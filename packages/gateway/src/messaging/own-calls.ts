/**
 * Calls to services for messages whose address has a method: requests of our own, by the rules of visitors' requests. A
 * service in Redis may be asked for any path, as the original does; of all others, only what they offer to visitors, and
 * only to those it is for.
 *
 * @module
 */
import { isJsonTooDeep } from '@hydra-gateway/protocol'
import type { Caller, Refusal, ServiceTokens } from '../identity/port.ts'
import type { Clock } from '../observe/clock.ts'
import { reasonOf } from '../proxy/flywheel-answers.ts'
import type { OwnRequests } from '../proxy/forward.ts'
import { isIdempotent } from '../proxy/methods.ts'
import type { OwnFailure } from '../proxy/own-exchange.ts'
import { readTarget } from '../routing/path.ts'
import type { Route } from '../routing/route.ts'
import type { RoutingTable } from '../routing/table.ts'
import type { Instance } from '../routing/upstream.ts'
import type { VitalsBook } from '../routing/vitals.ts'
import { plainId } from './addressed.ts'
import { ownHead } from './own-head.ts'
import { type OwnAnswer, sendOwnRequest } from './own-request.ts'
import { type Called, type MessageFault, MessageProblem, type OwnCalls } from './port.ts'

export interface OwnCallsDeps {
  /** `forwarder.own`. */
  readonly requests: OwnRequests
  readonly table: () => RoutingTable
  /** Whether a caller may have a path of a service, the operator's rules included; `route` undefined: it declared none for it. */
  readonly refusalOf: (
    caller: Caller | undefined,
    asked: { readonly service: string; readonly path: string; readonly route: Route | undefined },
  ) => Refusal | undefined
  /** @default services are told nothing of callers */
  readonly tokens?: Pick<ServiceTokens, 'tokenFor'> | undefined
  readonly isReserved: (path: string) => boolean
  /** Largest answer. */
  readonly mostBytes: () => number
  readonly vitals: Pick<VitalsBook, 'of'>
  readonly newId: () => string
  /** 0 to 1, as Math.random. */
  readonly random: () => number
  readonly clock: Pick<Clock, 'monotonic'>
}

/** Bodies go with these, as in the original. */
const WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])
const METHOD = /^[A-Z]{1,32}$/
/** What is not answered by services, or would make another thing of the connection. */
const NO_METHOD: ReadonlySet<string> = new Set(['CONNECT', 'TRACE'])

export function createOwnCalls(deps: OwnCallsDeps): OwnCalls {
  const { requests, table, refusalOf, tokens, isReserved, mostBytes, vitals, newId, random, clock } = deps

  /** Instances that may be asked for it, and the route, where it has one. */
  function candidatesOf(service: string, method: string, path: string, caller: Caller | undefined) {
    const now = table()
    const isRouter = now.service(service)?.channel === 'flywheel'
    const found = now.match('', path, method, false)
    const route = found?.service === service ? found : undefined
    if (!now.service(service)) throw new MessageProblem('unknown-service', reasonOf(service, 0))
    if (isReserved(path) || (route === undefined && !isRouter))
      throw new MessageProblem('not-allowed', `${service} offers no ${method} ${path.slice(0, 256)}`)
    const refusal = refusalOf(caller, { service, path, route })
    if (refusal) throw new MessageProblem(...REFUSED[refusal])
    return { route, instances: route ? now.candidates(route) : now.instances(service) }
  }

  /** A pinned one when it serves; otherwise any, those that refuse connections last. */
  function choose(instances: readonly Instance[], pinned: string | undefined): Instance {
    const named = pinned === undefined ? undefined : instances.find(({ id }) => plainId(id) === pinned)
    if (named) return named
    const well = instances.filter(({ id }) => !vitals.of(id).resting)
    const among = well.length > 0 ? well : instances
    return among[Math.floor(random() * among.length)]!
  }

  return {
    async call({ service, instance: pinned, method, path, headers, body, caller, address, timeoutMs }) {
      if (!METHOD.test(method) || NO_METHOD.has(method))
        throw new MessageProblem('invalid', `${method.slice(0, 32)} can not be sent`)
      const target = readTarget(path)
      if (target.problem !== undefined) throw new MessageProblem('invalid', target.problem)
      if (!QUERY.test(target.query))
        throw new MessageProblem('invalid', 'the query holds what must be encoded')
      const { route, instances } = candidatesOf(service, method, target.path, caller)
      if (target.encodedSlash && route?.encodedSlash !== 'keep')
        throw new MessageProblem('invalid', 'an encoded slash may not stand in this path')
      const endsAt = clock.monotonic() + timeoutMs
      const bytes = WITH_BODY.has(method) ? Buffer.from(JSON.stringify(body)) : Buffer.alloc(0)
      let left = [...instances]
      if (left.length === 0) throw new MessageProblem('no-instance', reasonOf(service, 0))
      for (;;) {
        const instance = choose(left, pinned)
        const token = caller && (await tokens?.tokenFor(caller, instance, route?.providers))
        const id = newId()
        const head = ownHead(instance, {
          method,
          target: `${route?.to ?? target.path}${target.query}`,
          headers,
          bodyBytes: WITH_BODY.has(method) ? bytes.length : undefined,
          token,
          isTokenHeader: instance.login === 'header',
          address,
          id,
        })
        const leftMs = endsAt - clock.monotonic()
        if (leftMs <= 0) throw new MessageProblem('timeout', reasonOf(service, 1))
        const parts = { method, head, body: bytes, mostBytes: mostBytes(), timeoutMs: leftMs, id }
        const outcome = await sendOwnRequest(requests, instance, parts)
        if ('status' in outcome) return called(outcome)
        left = left.filter((other) => other !== instance)
        if (left.length === 0 || !mayRepeat(method, outcome))
          throw new MessageProblem(outcome.isTimeout ? 'timeout' : 'broken', reasonOf(service, 1))
      }
    },
  }
}

const QUERY = /^[\x21\x22\x24-\x7e]*$/

const REFUSED: Readonly<Record<Refusal, [MessageFault, string]>> = {
  login: ['login', 'it is for people who are signed in'],
  renew: ['login', 'the sign-in is too old'],
  provider: ['not-allowed', 'it is for people one of its providers knows'],
  forbidden: ['not-allowed', 'this is not open to you'],
}

function mayRepeat(method: string, { nothingSent, isTimeout }: OwnFailure): boolean {
  return nothingSent || (isIdempotent(method) && !isTimeout)
}

function called({ status, headers, body }: OwnAnswer): Called {
  const text = body.toString()
  const isJson = /\bjson\b/i.test(headers['content-type'] ?? '')
  // What is nested too deep is parsed, but could not be written to whoever asked.
  if (!isJson || isJsonTooDeep(text)) return { status, headers, body: text, isJson: false }
  try {
    return { status, headers, body: JSON.parse(text), isJson }
  } catch {
    return { status, headers, body: text, isJson: false }
  }
}
