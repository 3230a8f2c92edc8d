/**
 * Fragments as our gateway asks for them: the answer over HTTP in bytes, but for the id that differs each time, and the
 * handler of a channel.
 *
 * @module
 */
import type { RenderRequest } from '@hydra-gateway/protocol'
import type { RouteHandlers } from '@hydra-gateway/protocol/rsocket'
import { ROUTES } from '@hydra-gateway/protocol/rsocket'
import { SLOW_MS } from './page.ts'

const ID = Buffer.from('"id":"')
const QUOTE = 0x22

/** Makes the answers of one fragment: it takes the body of the request. */
export function fragmentAnswer(html: string): (body: Buffer) => Buffer {
  const before = Buffer.from('{"fragments":[{"id":"')
  const behind = Buffer.from(`","renderedHTML":${JSON.stringify(html)}}]}`)
  const head = [
    'HTTP/1.1 200 OK',
    'Date: Sat, 21 Nov 2026 12:00:00 GMT',
    'Content-Type: application/vnd.hydra.rendered-fragments+json',
    'Cache-Control: no-store',
    'Content-Length: ',
  ].join('\r\n')
  return (body) => {
    const from = body.indexOf(ID) + ID.length
    const id = body.subarray(from, body.indexOf(QUOTE, from))
    const length = before.length + id.length + behind.length
    return Buffer.concat([Buffer.from(`${head}${length}\r\n\r\n`, 'latin1'), before, id, behind])
  }
}

/** The same over a channel: one item, and the end. */
export function fragmentStreams(html: string): Pick<RouteHandlers, 'requests' | 'streams'> {
  const behind = Buffer.from(`","renderedHTML":${JSON.stringify(html)}}]}`)
  return {
    requests: {},
    streams: {
      [ROUTES.render](data, sink) {
        const { id, ref } = (data as RenderRequest).requests[0]!
        const send = () => {
          sink.next(Buffer.concat([Buffer.from(`{"fragments":[{"id":"${id}`, 'latin1'), behind]))
          sink.end()
        }
        if (ref.endsWith('-slow')) setTimeout(send, SLOW_MS)
        else send()
        return { request() {}, cancel() {} }
      },
    },
  }
}
