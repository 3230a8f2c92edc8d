/**
 * Asks instances for fragments over HTTP (`medusa.md` 2.1), on the engine's own connections: a page makes several such
 * calls, and each costs little more than its two writes.
 *
 * The limits of the engine hold for them: connections of an instance, requests that wait for one, patience with
 * connecting. `timeoutMs` is kept by the tick of the engine's deadlines, so never early and up to two ticks late;
 * whoever needs it exact cancels.
 *
 * @module
 */
import type { RenderRequest } from '@hydra-gateway/protocol'
import type { OwnRequests } from '../proxy/forward.ts'
import type { Instance } from '../routing/upstream.ts'
import { callPrefix } from './call-head.ts'
import { HttpCall } from './http-call.ts'
import type { Cancel, Renderer, RenderReceiver } from './port.ts'
import { answerLimit } from './rendered-answer.ts'

export interface HttpRendererDeps {
  /** `forwarder.own`. */
  readonly requests: OwnRequests
  /** The newest public key stands in the path. */
  readonly keys: { readonly publicKey: string }
}

const nothing: Cancel = () => {}

/** Makes the renderer of one gateway. */
export function createHttpRenderer({ requests, keys }: HttpRendererDeps): Renderer {
  const prefixes = new WeakMap<Instance, Buffer>()

  function prefixOf(instance: Instance): Buffer {
    let prefix = prefixes.get(instance)
    if (prefix === undefined) {
      prefix = callPrefix(instance, keys.publicKey)
      prefixes.set(instance, prefix)
    }
    return prefix
  }

  return {
    via: 'http',
    // Each has an address; whether somebody is there is what its pool finds out.
    reaches: () => true,
    render(instance, request, timeoutMs, receiver) {
      let body: Buffer
      try {
        body = bodyOf(instance, request)
      } catch (error) {
        unsendable(receiver, error)
        return nothing
      }
      const { context } = request
      const parts = { prefix: prefixOf(instance), body, mostBytes: answerLimit(request), timeoutMs, context }
      const call = new HttpCall(requests, instance, parts, receiver)
      call.start()
      return () => call.cancel()
    },
  }
}

/** Who doesn't speak our additions gets none of them: they would tell it more of the visitor than it may know. */
function bodyOf({ isOurs }: Instance, request: RenderRequest): Buffer {
  return Buffer.from(JSON.stringify(isOurs ? request : bare(request)))
}

function bare({ attributes, requests }: RenderRequest): unknown {
  return {
    attributes,
    requests: requests.map(({ id, service, ref, fallback, imports, exports }) => ({
      id,
      service,
      ref,
      fallback,
      imports,
      exports,
    })),
  }
}

function unsendable(receiver: RenderReceiver, error: unknown): void {
  const detail = error instanceof Error ? error.message.slice(0, 200) : 'the request is no JSON'
  receiver.onEnd({ reason: 'failed', nothingSent: true, isRefusal: false, detail })
}
