/**
 * The HTTP side of the services: one answer, made beforehand.
 *
 * @module
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ANSWER } from '../job.ts'

const BODY = Buffer.from(ANSWER)
// hydra-router answers chunked ones in a way that clients of today refuse.
const HEADERS = { 'content-type': 'application/json', 'content-length': BODY.length }

/** Serves at a free port. */
export async function serveAnswers(): Promise<number> {
  const server = createServer((_request, response) => void response.writeHead(200, HEADERS).end(BODY))
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
