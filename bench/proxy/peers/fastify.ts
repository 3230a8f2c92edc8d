/**
 * Fastify with its proxy plugin in front of the service: `fastify.ts BACKEND_PORT`. Forwarding headers as ours, a
 * line of log for each request, written together.
 *
 * @module
 */
import type { AddressInfo } from 'node:net'
import httpProxy from '@fastify/http-proxy'
import fastify from 'fastify'
import { createLineLog } from '../../support/line-log.ts'

const log = createLineLog()
const app = fastify({ logger: false, keepAliveTimeout: 75_000 })
const begun = new WeakMap<object, { client: string; startedAt: number }>()
app.addHook('onRequest', (request, _reply, done) => {
  begun.set(request, { client: request.ip, startedAt: performance.now() })
  done()
})
app.addHook('onResponse', (request, reply, done) => {
  const { method, url: path } = request
  log.write({ ...begun.get(request)!, method, path, status: reply.statusCode })
  done()
})
await app.register(httpProxy, {
  upstream: `http://127.0.0.1:${process.argv[2]}`,
  websocket: true,
  undici: { connections: 256, pipelining: 1 },
  replyOptions: {
    rewriteRequestHeaders: (request, headers) => ({
      ...headers,
      'x-forwarded-for': request.ip,
      'x-forwarded-host': request.host,
      'x-forwarded-proto': request.protocol,
      'x-real-ip': request.ip,
    }),
  },
})
await app.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })
process.send!({ port: (app.server.address() as AddressInfo).port })
process.on('disconnect', () => process.exit())
