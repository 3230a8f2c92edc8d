/**
 * `@hydra-gateway/sdk/socket`: messages for browsers and other clients. Nothing else of the SDK comes with it.
 *
 * @example
 * const socket = openSocket('/_hydra/socket', { storage: sessionStorage })
 * socket.onMessage('order-shipped', ({ body }) => show(body))
 * socket.on('lost', () => location.reload())
 * const order = await socket.call('orders:[get]/v1/orders/7', {})
 *
 * @module
 */
export { CallError, openSocket } from './socket.ts'
export type {
  CallFault,
  CallOptions,
  EndReason,
  HydraSocket,
  SendOptions,
  SocketEvents,
  SocketMessage,
  SocketOptions,
  SocketState,
  WebSocketLike,
} from './types.ts'
