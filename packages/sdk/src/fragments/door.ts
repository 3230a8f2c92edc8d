/**
 * The door for fragments over HTTP: `POST /h/fragment/{publicKey}/requestFragment` (`medusa.md` 2.1), for a gateway
 * whose channel to this service hangs elsewhere.
 *
 * Only who knows the public key gets past it; the gateway shows nothing below `/h/` of a service to visitors.
 *
 * @module
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { RENDERED_FRAGMENTS_MIME, type RenderedFragments } from '@hydra-gateway/protocol'
import type { Log } from '../log.ts'
import { abortController } from '../waiting.ts'
import { together } from './channel.ts'
import { FragmentFailure } from './failure.ts'
import { readRenderRequest } from './render-request.ts'
import type { Renders } from './renders.ts'
import { BodyTooLarge, readJson } from './request-body.ts'

export interface DoorDeps {
  readonly renders: Pick<Renders, 'render'>
  /** Public keys of the gateway; empty until they are known. */
  readonly keys: () => readonly string[]
  readonly maxBodyBytes: number
  readonly log: Log
  /** Aborted when the service is closed. */
  readonly closed: AbortSignal
}

/** Answers the request when it is for the fragments of the service; says whether it was. */
export type Door = (request: IncomingMessage, response: ServerResponse) => boolean

const PATH = /^\/h\/fragment\/([^/?#]*)\/requestFragment(?:\?|$)/
const JSON_MIME = 'application/json'

/** Makes the door of a service. */
export function createDoor(deps: DoorDeps): Door {
  return (request, response) => {
    const [, key] = PATH.exec(request.url ?? '') ?? []
    if (key === undefined) return false
    // To who doesn't know the key there is nothing here, whatever is asked.
    if (!isKnown(key, deps.keys())) answer(response, 404)
    else if (request.method !== 'POST') answer(response, 405, { allow: 'POST' })
    else void serve(request, response, deps)
    return true
  }
}

async function serve(request: IncomingMessage, response: ServerResponse, deps: DoorDeps): Promise<void> {
  const gone = abortController()
  const abort = () => gone.abort(new FragmentFailure('cancelled', 'nobody waits for the fragment any more'))
  // Both ends come: after an answer that was sent whole, aborting changes nothing.
  response.once('close', abort)
  deps.closed.addEventListener('abort', abort, { once: true })
  const items: RenderedFragments[] = []
  try {
    const asked = readRenderRequest(await readJson(request, deps.maxBodyBytes))
    await deps.renders.render(asked, gone.signal, (item) => items.push(item))
    const rendered = together(items)
    const isObject = String(request.headers.accept ?? '').includes(RENDERED_FRAGMENTS_MIME)
    // Every id has its answer, also when the service was closed before it was rendered.
    const missing = asked.fragments
      .filter(({ id }) => !rendered.fragments.some((fragment) => fragment.id === id))
      .map(({ id }) => ({ id, renderedHTML: null, reason: 'cancelled' }))
    const fragments = [...rendered.fragments, ...missing]
    const body = isObject ? { ...rendered, fragments } : fragments
    answer(response, 200, { 'content-type': isObject ? RENDERED_FRAGMENTS_MIME : JSON_MIME }, body)
  } catch (fault) {
    refuse(response, fault, deps.log)
  } finally {
    deps.closed.removeEventListener('abort', abort)
  }
}

function refuse(response: ServerResponse, fault: unknown, log: Log): void {
  // Who is gone, or sent half a request and left, is told nothing.
  if (response.destroyed || response.headersSent) return
  const error = (fault as Error).message
  if (fault instanceof FragmentFailure) answer(response, 503, { 'retry-after': '1' }, { error })
  else if (fault instanceof TypeError) answer(response, 400, {}, { error })
  else if (fault instanceof BodyTooLarge) {
    response.shouldKeepAlive = false
    answer(response, 413, {}, { error })
  } else {
    log.error(`fragments over HTTP: ${error}`)
    answer(response, 500)
  }
}

function answer(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body?: unknown,
): void {
  if (response.destroyed) return
  const text = body === undefined ? '' : JSON.stringify(body)
  response.writeHead(status, {
    ...(body !== undefined && { 'content-type': JSON_MIME }),
    'cache-control': 'no-store',
    'content-length': Buffer.byteLength(text),
    ...headers,
  })
  response.end(text)
}

/** In the same time for any key, and whichever of ours it is. */
function isKnown(encoded: string, keys: readonly string[]): boolean {
  const given = digest(decoded(encoded))
  let found = false
  for (const key of keys) if (timingSafeEqual(given, digest(key))) found = true
  return found
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
