/**
 * Real services that render fragments, registered as Medusa's applications are, and pages that ask for them.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TestContext } from 'node:test'
import type { TestGateway } from '../../support/gateway.ts'
import { medusaBean, medusaClient } from '../../support/medusa-client.ts'
import { startUpstream, type Upstream } from '../../support/upstream.ts'

/** A request for fragments, as a service got it. */
export interface AskedFor {
  readonly attributes: Record<string, unknown>
  readonly requests: readonly {
    readonly id: string
    readonly service: string
    readonly ref: string
    readonly fallback: string | null
  }[]
  readonly headers: IncomingMessage['headers']
}

/** What a service does with a request for fragments. */
export type Render = (asked: AskedFor, response: ServerResponse, request: IncomingMessage) => void

export interface FragmentService extends Upstream {
  readonly asked: AskedFor[]
  /** How many requests were closed before they were answered. */
  readonly closed: () => number
}

/** A service on a free port that is registered with the gateway and beats. */
export async function startFragments(
  t: TestContext,
  gateway: TestGateway,
  name: string,
  render: Render,
): Promise<FragmentService> {
  const asked: AskedFor[] = []
  let closed = 0
  const upstream = await startUpstream(t, name, (request, response) => {
    response.on('close', () => {
      if (!response.writableFinished) closed++
    })
    const chunks: Buffer[] = []
    request.on('error', () => {})
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      if (request.url !== `/h/fragment/${gateway.publicKey}/requestFragment`) {
        response.writeHead(404).end('[]')
        return
      }
      const body = { ...JSON.parse(Buffer.concat(chunks).toString()), headers: request.headers } as AskedFor
      asked.push(body)
      render(body, response, request)
    })
  })
  const client = medusaClient(t, gateway.discovery)
  const answer = await client.register(medusaBean(name, upstream.port))
  if (answer.status !== 200) throw new Error(`${name} was refused: ${answer.status} ${answer.body}`)
  client.keepBeating(name)
  return { ...upstream, asked, closed: () => closed }
}

/** Renders each fragment by its ref, as Medusa's applications do; a ref that is not there fails the batch. */
export function byRef(fragments: Readonly<Record<string, string>>): Render {
  return ({ requests }, response) => {
    if (requests.some(({ ref }) => !Object.hasOwn(fragments, ref))) {
      response.writeHead(500).end('{"error":"Internal Server Error"}')
      return
    }
    answer(response, JSON.stringify(requests.map(({ id, ref }) => ({ renderedHTML: fragments[ref], id }))))
  }
}

export function answer(response: ServerResponse, body: string | Buffer): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

/** What a page of Medusa asks for: `service#ref` by id. */
export function requestOf(
  wanted: Readonly<Record<string, string>>,
  attributes: Record<string, unknown> = {},
): string {
  const requests: Record<string, unknown[]> = {}
  for (const [id, key] of Object.entries(wanted)) {
    const [service, ref] = key.split('#') as [string, string]
    requests[service] ??= []
    requests[service].push({ id, service, ref, fallback: '<p>down</p>' })
  }
  return JSON.stringify({ attributes, requests })
}

/** HTML by id, as a page of Medusa reads the answer. */
export async function askAsMedusa(
  t: TestContext,
  gateway: TestGateway,
  wanted: Readonly<Record<string, string>>,
  attributes?: Record<string, unknown>,
): Promise<{ html: Record<string, string | null>; tookMs: number; bytes: number }> {
  const begin = performance.now()
  const { status, body } = await medusaClient(t, gateway.discovery).post(
    '/requestFragment',
    'application/json',
    requestOf(wanted, attributes),
  )
  if (status !== 200) throw new Error(`${status} ${body}`)
  const entries = JSON.parse(body) as { id: string; renderedHTML: string | null }[]
  const html = Object.fromEntries(entries.map(({ id, renderedHTML }) => [id, renderedHTML]))
  if (entries.length !== Object.keys(html).length) throw new Error('an id has several entries')
  return { html, tookMs: performance.now() - begin, bytes: Buffer.byteLength(body) }
}
