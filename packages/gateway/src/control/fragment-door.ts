/**
 * `POST /h/discovery/{publicKey}/requestFragment`: services ask for the fragments of their pages over HTTP.
 *
 * Medusa's applications get a bare array, always with status 200 and in time: anything else, and their visitors see
 * placeholders. Our SDK names its media type and gets exports and sessions as well.
 *
 * @module
 */
import { DEPTH_HEADER, RESOLVED_FRAGMENTS_MIME } from '@hydra-gateway/protocol'
import type { HttpChannel } from '../channels/http.ts'
import { parseJson, readText } from '../channels/json-body.ts'
import { HydraError } from '../errors.ts'
import { bareAnswer } from '../fragments/bare-answer.ts'
import type { AskedPage, FragmentDesk } from '../fragments/port.ts'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Exchange } from '../proxy/exchange.ts'

export interface FragmentDoorDeps {
  readonly desk: FragmentDesk
  /** Who may not ask; the same as for registrations. */
  readonly refusal: HttpChannel['refusal']
  readonly settings: {
    readonly maxCallBytes: number
    readonly maxAnswerBytes: number
    readonly medusaBudgetMs: number
    /** Until a body is there whole, ms. */
    readonly bodyTimeoutMs: number
  }
  readonly clock: Clock
  readonly log: Pick<Log, 'warn'>
  readonly metrics: Pick<Metrics, 'refused' | 'fragmentDropped'>
}

/** Serves a request for fragments. */
export type FragmentDoor = (request: Request, publicKey: string, exchange: Exchange) => Promise<Response>

export function createFragmentDoor(deps: FragmentDoorDeps): FragmentDoor {
  const { desk, refusal, settings, clock, log, metrics } = deps

  const readBody = async (request: Request): Promise<unknown> => {
    const { maxCallBytes, bodyTimeoutMs } = settings
    const limits = { maxBytes: maxCallBytes, timeoutMs: bodyTimeoutMs, setting: 'fragments.maxCallBytes' }
    return parseJson(await readText(request, limits), 'HYDRA_BAD_REQUEST')
  }

  /** Waits until everything settled. A caller that leaves has everything cancelled. */
  const settled = (body: unknown, exchange: Exchange, isMedusa: boolean): Promise<AskedPage> =>
    new Promise((resolve) => {
      const spentMs = clock.monotonic() - exchange.startedAt
      const medusa = isMedusa ? { budgetMs: Math.max(0, settings.medusaBudgetMs - spentMs) } : undefined
      const { id, headers } = exchange
      const caller = {
        service: undefined,
        exchange: id,
        depth: depthOf(headers.get(DEPTH_HEADER)),
        traceparent: headers.get('traceparent'),
        medusa,
      }
      const page = desk.ask(body, caller, () => {
        if (page.isDone) resolve(page)
      })
      exchange.onEnd(() => {
        page.cancel()
        // Nobody reads the answer, but whoever waits for it here must not wait for ever.
        resolve(page)
      })
    })

  return async (request, publicKey, exchange) => {
    const refused = refusal(request, publicKey, exchange.peer, 'request')
    if (refused) return refused
    const isMedusa = !asksForObject(exchange.headers.get('accept'))
    try {
      const page = await settled(await readBody(request), exchange, isMedusa)
      const answer = page.take()
      if (!isMedusa) return json(JSON.stringify(answer), RESOLVED_FRAGMENTS_MIME)
      const bare = bareAnswer(answer.fragments, settings.maxAnswerBytes)
      for (const { id, bytes } of bare.left) {
        metrics.fragmentDropped('answer-too-large')
        const detail = `the answer would have more than ${settings.maxAnswerBytes} bytes (fragments.maxAnswerBytes)`
        log.warn({ exchange: exchange.id, id, bytes, detail }, 'fallback shown')
      }
      return json(bare.json, 'application/json')
    } catch (error) {
      if (!(error instanceof HydraError)) throw error
      metrics.refused('request', error.code)
      const { code, detail } = error
      log.warn(
        { exchange: exchange.id, peer: exchange.peer.address, code, detail },
        'request for fragments refused',
      )
      throw error
    }
  }
}

function asksForObject(accept: string | undefined): boolean {
  return accept?.toLowerCase().includes(RESOLVED_FRAGMENTS_MIME) ?? false
}

/** What can't be read counts as nothing: the chain in the body ends a circle as well. */
function depthOf(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,4}$/.test(value) ? Number(value) : undefined
}

function json(body: string, type: string): Response {
  return new Response(body, { headers: { 'content-type': type, 'cache-control': 'no-store' } })
}
