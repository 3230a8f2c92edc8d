/**
 * Small real HTTP services for tests.
 *
 * @module
 */
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

export interface Upstream {
  readonly server: Server
  readonly port: number
  close(): Promise<void>
}

/** An HTTP server on a free port of loopback. The default answer says who it is and what it was asked. */
export async function startUpstream(
  t: Pick<TestContext, 'after'>,
  name: string,
  listener?: RequestListener,
  port = 0,
): Promise<Upstream> {
  const server = createServer(
    listener ??
      ((request, response) => {
        response.setHeader('content-type', 'application/json')
        response.end(
          JSON.stringify({ name, method: request.method, url: request.url, headers: request.headers }),
        )
      }),
  )
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(port, '127.0.0.1', resolve),
  )
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
  t.after(close)
  return { server, port: (server.address() as AddressInfo).port, close }
}
