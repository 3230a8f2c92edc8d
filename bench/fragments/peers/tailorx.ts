/**
 * tailorx, the living fork of Tailor, on plain `node:http`: `tailorx.ts PAGE_PORT PART_PORTS…`. It gets its template
 * from the service of the page, as it would from a file, and parses it each time, as it does by itself.
 *
 * @module
 */
import { Agent, createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import Tailor from '@namecheap/tailorx'
import { createLineLog } from '../../support/line-log.ts'

const log = createLineLog()
const agent = new Agent({ keepAlive: true, maxSockets: 256 })
const pagePort = Number(process.argv[2])

function fetchText(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = get({ agent, host: '127.0.0.1', port: pagePort, path }, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (piece) => {
        text += piece
      })
      answer.on('end', () => resolve(text))
      answer.on('error', reject)
    })
    call.on('error', reject)
  })
}

/** What it is given besides what its types say: a parser with one argument that matters here. */
type Parse = (template: string) => Promise<unknown>

const tailor = new Tailor({
  fetchTemplate: async (request: IncomingMessage, parse: unknown) =>
    (parse as Parse)(await fetchText(request.url!)),
})
tailor.on('error', (_request, _error, response) => response?.writeHead(500).end())
const server = createServer((request, response) => {
  const startedAt = performance.now()
  const { method, url: path } = request
  const client = request.socket.remoteAddress
  response.on('close', () => log.write({ client, method, path, status: response.statusCode, startedAt }))
  tailor.requestHandler(request, response)
})
server.keepAliveTimeout = 75_000
server.listen(0, '127.0.0.1', 4096, () => process.send!({ port: (server.address() as AddressInfo).port }))
process.on('disconnect', () => process.exit())
