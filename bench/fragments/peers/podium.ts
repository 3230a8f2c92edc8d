/**
 * A layout of Podium on plain `node:http`: `podium.ts PAGE_PORT PART_PORTS…`. It has the page as a template of its own,
 * fetches its four podlets at once, and writes a line of log for each page.
 *
 * @module
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Layout from '@podium/layout'
import { HttpIncoming } from '@podium/utils'
import { createLineLog } from '../../support/line-log.ts'
import { PARTS, pageWith, pathOf, refOf } from '../page.ts'

const log = createLineLog()
const [, , , ...partPorts] = process.argv
const layout = new Layout({ name: 'bench', pathname: '/' })
const [podlets, slowPodlets] = [false, true].map((isSlow) =>
  PARTS.map((part) => {
    const ref = refOf(part, isSlow)
    const name = `${isSlow ? 'slow' : 'part'}${part}`
    return layout.client.register({ name, uri: `http://127.0.0.1:${partPorts[part - 1]}/${ref}.json` })
  }),
)
await layout.client.refreshManifests()
const slowPath = pathOf('podium', true)

const server = createServer(async (request, response) => {
  const startedAt = performance.now()
  const { method, url: path = '' } = request
  const client = request.socket.remoteAddress
  response.on('close', () => log.write({ client, method, path, status: response.statusCode, startedAt }))
  try {
    const incoming = await layout.process(new HttpIncoming(request, response, {}))
    const shown = path.startsWith(slowPath) ? slowPodlets! : podlets!
    const fragments = await Promise.all(shown.map((podlet) => podlet.fetch(incoming)))
    const html = pageWith(fragments)
    response.setHeader('content-type', 'text/html; charset=utf-8')
    response.setHeader('content-length', Buffer.byteLength(html))
    response.end(html)
  } catch {
    response.writeHead(500).end()
  }
})
server.keepAliveTimeout = 75_000
server.listen(0, '127.0.0.1', 4096, () => process.send!({ port: (server.address() as AddressInfo).port }))
process.on('disconnect', () => process.exit())
