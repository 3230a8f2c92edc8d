/**
 * Why a message went nowhere, or a call was not answered, in words a service can act on.
 *
 * @module
 */
import type { MessageFault as GatewayFault } from '@hydra-gateway/protocol/umf'

/** Those of the gateway, and `closed`: this service is; `not-supported`: the gateway is too old for messages. */
export type MessageFault = GatewayFault | 'closed' | 'not-supported'

/**
 * A message that failed. A handler may throw one as well: its sentence is told to whoever sent the message, unlike that of
 * any other error.
 */
export class MessageError extends Error {
  override readonly name = 'MessageError'
  readonly fault: MessageFault
  /** What was answered instead, where a handler failed. */
  readonly body: unknown

  constructor(
    fault: MessageFault,
    reason: string,
    { cause, body }: { cause?: unknown; body?: unknown } = {},
  ) {
    super(reason, { cause })
    this.fault = fault
    this.body = body
  }
}
