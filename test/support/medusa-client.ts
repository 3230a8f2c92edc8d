/**
 * Speaks Medusa's HTTP protocol the way the Java client does: one pooled keep-alive connection, a registration,
 * then beats with the bare name (`docs/reference/protocols/medusa.md`).
 *
 * @module
 */
import { Agent, request } from 'node:http'
import type { TestContext } from 'node:test'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

export interface MedusaClient {
  register(bean: Record<string, unknown>): Promise<Answer>
  alive(name: string): Promise<Answer>
  /** Beats every 500 ms until the test ends or the returned function is called. */
  keepBeating(name: string): () => void
  post(path: string, contentType: string, body: string | Buffer): Promise<Answer>
}

/** A client with a connection of its own. `discovery` is `http://…/h/discovery/<key>`. */
export function medusaClient(t: Pick<TestContext, 'after'>, discovery: string): MedusaClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  const post = (path: string, contentType: string, body: string | Buffer): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const call = request(`${discovery}${path}`, {
        method: 'POST',
        agent,
        headers: {
          'user-agent': 'ReactorNetty/1.2.10',
          accept: '*/*',
          'content-type': contentType,
          'content-length': Buffer.byteLength(body),
        },
      })
      call.on('error', reject)
      call.on('response', (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () =>
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        )
      })
      call.end(body)
    })
  const alive = (name: string) => post('/alive', 'text/plain;charset=UTF-8', name)
  return {
    post,
    alive,
    register: (bean) => post('/registration', 'application/json', JSON.stringify(bean)),
    keepBeating(name) {
      const timer = setInterval(() => void alive(name).catch(() => {}), 500)
      const stop = () => clearInterval(timer)
      t.after(stop)
      return stop
    },
  }
}

/** The bean an unmodified client posts, with all its properties. */
export function medusaBean(
  name: string,
  port: number,
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    webProtocol: 'http',
    host: '127.0.0.1',
    port,
    socketPort: 0,
    name,
    version: 0,
    activeSince: 1763668800000,
    awakening: null,
    endpoints: [`/${name}`, `/${name}/counters`],
    sockets: [],
    staticResources: ['websocket.js'],
    menuItems: {},
    ...more,
  }
}
