/**
 * A service agreed to a WebSocket: the connections of both sides become one splice, which outlives the exchange.
 *
 * @module
 */
import { type ResponseHead, SWITCH } from '../http1/head.ts'
import type { Instance } from '../routing/upstream.ts'
import type { Vitals } from '../routing/vitals.ts'
import type { Engine } from './forward.ts'
import type { ServiceConnection } from './service-connection.ts'
import { SIGNED_OUT_CODE, SIGNED_OUT_REASON } from './service-sign-in.ts'
import type { WireExchange } from './wire-exchange.ts'

/** Whether a 101 is about what was asked for. */
export function agreesToSocket(head: ResponseHead): boolean {
  return (head.connection & SWITCH) !== 0 && head.get('upgrade')?.toLowerCase() === 'websocket'
}

/** Sends the visitor the 101 and joins both sides. `vitals`: where the socket counts as in flight until it closes. */
export function joinSocket(
  engine: Engine,
  exchange: WireExchange,
  instance: Instance,
  vitals: Vitals,
  connection: ServiceConnection,
  head: ResponseHead,
): void {
  const visitor = exchange.switchProtocols(head, instance)
  const onClosed = engine.onSocket?.(exchange)
  const { caller } = exchange
  const splice = engine.splices.open({
    visitor,
    service: connection,
    about: {
      exchange: exchange.id,
      service: instance.service,
      instance: instance.id,
      visitor: exchange.visitor,
      caller,
    },
    onClose() {
      vitals.inFlight--
      onClosed?.()
      engine.metrics.websocketClosed()
    },
  })
  engine.metrics.websocketOpened()
  splice.begin()
  // Signed out while the service made up its mind: when sockets were closed, this one was none yet.
  if (caller !== undefined && engine.signIn?.isOver(caller))
    queueMicrotask(() => splice.end(SIGNED_OUT_CODE, SIGNED_OUT_REASON))
}
