/**
 * Services with a channel, frame by frame: what they answer and how they take what they asked for is the test's to
 * decide.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import type { TestContext } from 'node:test'
import { systemClock } from '@hydra-gateway/gateway'
import {
  createFrameReader,
  createPeer,
  MAX_FRAME_BYTES,
  type Peer,
  ROUTES,
  type Sink,
  withLength,
} from '@hydra-gateway/protocol/rsocket'
import { eventually } from '../../support/eventually.ts'
import type { TestGateway } from '../../support/gateway.ts'

/** A call for fragments, as the service gets it. */
export interface RenderCall {
  readonly data: any
  readonly sink: Sink
  isCancelled: boolean
  /** Sends one fragment, of the ref that was asked for. */
  send(ref: string, renderedHTML: string | null, more?: object): void
}

export interface ChannelService {
  readonly peer: Peer
  readonly calls: RenderCall[]
  cut(): void
}

/** Connects, registers, and waits until the gateway would ask it. */
export async function openService(
  t: TestContext,
  gateway: TestGateway,
  name: string,
  {
    refs = ['a', 'b', 'c'],
    onCall = () => {},
    more = {},
  }: {
    refs?: readonly (string | { ref: string; attributes?: string[]; imports?: string[] })[]
    onCall?: (call: RenderCall) => void
    more?: object
  } = {},
): Promise<ChannelService> {
  const calls: RenderCall[] = []
  const socket = connect({ host: '127.0.0.1', port: gateway.rsocketPort! })
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  t.after(() => socket.destroy())
  const { peer, receive, lost } = createPeer({
    link: {
      send: (frame) => socket.write(withLength(frame)),
      end: () => socket.end(),
      pendingBytes: () => 0,
    },
    timers: systemClock,
    setup: {
      credentials: { publicKey: gateway.publicKey, privateKey: gateway.privateKey },
      data: {
        name,
        protocol: 1,
        instanceId: randomBytes(16).toString('hex'),
        host: '127.0.0.1',
        port: 9,
        endpoints: [`/${name}`],
        refs: refs.map((ref) => (typeof ref === 'string' ? { ref, attributes: [] } : ref)),
        ...more,
      },
    },
    routes: {
      requests: { [ROUTES.ping]: () => true },
      streams: {
        [ROUTES.render]: (data: any, sink) => {
          const call: RenderCall = {
            data,
            sink,
            isCancelled: false,
            send(ref, renderedHTML, extra = {}) {
              const { id } = data.requests.find((each: any) => each.ref === ref)
              sink.next({ fragments: [{ id, renderedHTML, ...extra }] })
            },
          }
          calls.push(call)
          setImmediate(() => onCall(call))
          return {
            request() {},
            cancel() {
              call.isCancelled = true
            },
          }
        },
      },
    },
    maxDataBytes: MAX_FRAME_BYTES,
    onFault: (error) => {
      throw error
    },
    onEnd: () => {},
  })
  const reader = createFrameReader({ maxFrameBytes: MAX_FRAME_BYTES, onFrame: receive, isOpen: () => true })
  socket.on('data', (chunk) => reader.push(chunk))
  socket.on('close', () => lost('closed'))
  socket.on('error', () => {})
  await eventually(async () => {
    const overview: any = await peer.request(ROUTES.keys, {}, 1000)
    if (!overview) throw new Error('not let in')
  })
  return { peer, calls, cut: () => socket.destroy() }
}

/** The body of a call for fragments: `service#ref` by id. */
export function bodyOf(
  wanted: Readonly<Record<string, string | ({ readonly key: string } & Record<string, unknown>)>>,
  more: object = {},
): object {
  const requests: Record<string, object[]> = {}
  for (const [id, given] of Object.entries(wanted)) {
    const { key, ...rest } = typeof given === 'string' ? { key: given } : given
    const [service, ref] = key.split('#') as [string, string]
    requests[service] ??= []
    requests[service].push({ id, ref, ...rest })
  }
  return { requests, ...more }
}
