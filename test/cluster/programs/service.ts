/**
 * A service of the cluster tests, or several in one process: `SERVICES` are their names, `GATEWAYS` the nodes they may
 * connect to, the best first. One alone is as services are: the SDK knows its server, and ends both at a SIGTERM. Several,
 * and one that `STAYS`, leave gateways and go on answering. Every POST they take is written down in the file `LEDGER` before it is answered, which
 * outlives a SIGKILL.
 *
 * @module
 */
import { once } from 'node:events'
import { openSync, writeSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect, fragment, type HydraService } from '@hydra-gateway/sdk'
import { WebSocketServer } from 'ws'

/** What the service says. */
export type ServiceNews =
  | { readonly what: 'registered'; readonly service: string; readonly instance: string }
  | { readonly what: 'left'; readonly service: string }
  | { readonly what: 'ready' }

export type ServiceOrder =
  /** Leaves the gateway and goes on answering whoever still asks, so that it is seen when somebody does. */
  { readonly what: 'leave'; readonly service: string }

const { SERVICES = '', GATEWAYS = '', LEDGER = '', VERSION = '1.0.0', WEIGHT, PRIVATE, STAYS } = process.env
const SLOW_MS = 40

const ledger = LEDGER ? openSync(LEDGER, 'a') : undefined
const services = new Map<string, HydraService>()
const tell = (news: ServiceNews): void => void process.send?.(news)

const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
  request.on('error', () => {})
  response.on('error', () => {})
  const [, name = '', what = '', id = ''] = request.url!.split('?')[0]!.split('/')
  const instance = services.get(name)?.instanceId ?? 'none'
  const headers = { 'x-service': name, 'x-instance': instance, 'content-type': 'text/plain' }
  if (what === 'page') return sendPage(response, name, { ...headers, 'content-type': 'text/html' })
  if (what === 'who') return void response.writeHead(200, headers).end(instance)
  const answer = (): void => void response.writeHead(200, headers).end(id)
  const finish = (): void => {
    // One write of one line: lines of several processes never mix.
    if (request.method === 'POST' && ledger !== undefined) writeSync(ledger, `${id}\n`)
    if (what === 'slow') setTimeout(answer, SLOW_MS)
    else answer()
  }
  request.resume().on('end', finish)
})

/** A page with a fragment of the service `parts`, to be put in by the gateway. */
function sendPage(response: ServerResponse, name: string, headers: Record<string, string>): void {
  const html = `<!doctype html><html><head><title>${name}</title></head><body>
<m:fragment service="parts" ref="hello">parts are away</m:fragment></body></html>`
  response.writeHead(200, { ...headers, 'hydra-compose': '1' }).end(html)
}

const sockets = new WebSocketServer({ server, perMessageDeflate: false })
sockets.on('connection', (socket) => {
  socket.on('error', () => {})
  socket.on('message', (data) => socket.send(String(data)))
})

server.listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo
const gateways = GATEWAYS.split(',')

/** The SDK tries nodes in an order by chance; here it is the one that was given, and chance decides everything else. */
function keepOrder(): void {
  const chance = Math.random
  let left = gateways.length - 1
  Math.random = () => {
    if (left-- > 0) return 0.999_999
    Math.random = chance
    return chance()
  }
}

const names = SERVICES.split(',')
const isWhole = names.length === 1 && !STAYS

for (const name of names) {
  keepOrder()
  const hello = fragment('hello', () => `<p id="hello">hello from ${services.get(name)!.instanceId}</p>`)
  const service = await connect({
    name,
    ...(isWhole ? { server } : { port }),
    gateway: gateways,
    routes: [
      `/${name}/**`,
      ...(PRIVATE ? [{ path: `/${name}/private/{id}`, auth: 'required' as const }] : []),
    ],
    sockets: [`/${name}/live`],
    menu: { main: [{ path: `/${name}/item/menu`, label: `Item of ${name}` }] },
    fragments: name === 'parts' ? [hello] : [],
    fallback: `<p>${name} is away</p>`,
    version: VERSION,
    ...(WEIGHT ? { weight: Number(WEIGHT) } : {}),
    graceMs: 3000,
    log: process.env.VERBOSE ? console : false,
  })
  services.set(name, service)
  service.on('registered', () => tell({ what: 'registered', service: name, instance: service.instanceId }))
  void service.ready.then(
    () => tell({ what: 'registered', service: name, instance: service.instanceId }),
    () => {},
  )
}

async function leave(name: string): Promise<void> {
  await services.get(name)?.close()
  tell({ what: 'left', service: name })
}

process.on('message', (order: ServiceOrder) => void leave(order.service))
if (!isWhole)
  process.on('SIGTERM', async () => {
    await Promise.all([...services.values()].map((service) => service.close()))
    await new Promise((done) => {
      server.close(done)
      server.closeIdleConnections()
    })
    process.exit(0)
  })
process.on('disconnect', () => process.exit())
