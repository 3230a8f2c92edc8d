/**
 * What a gateway tells a service about messages on its line: who sends one, and why one went nowhere.
 *
 * @module
 */

/** Who sends a message, as the gateway knows it. */
export interface MessageSender {
  /** `client`: a browser or another socket. `service`: a service. `door`: a request to the router API. */
  readonly kind: 'client' | 'service' | 'door'
  /** Of a client. */
  readonly id?: string
  /** Of a service. */
  readonly service?: string
  readonly instance?: string
  /** A service in Redis said so: anybody who may write there can. */
  readonly isHearsay?: true
}

/** How `path` of what an answer to a registration refuses begins, where it is a type of messages: the type follows. */
export const REFUSED_TYPE = 'messages of the type '

/**
 * Why a message went nowhere. `invalid`: it is no message, or no address. `unknown-service`, `no-instance`: nobody there takes
 * it. `unknown-client`: no such client, or it is gone for good. `not-allowed`, `login`: whoever it is for does not take it from
 * this sender. `schema`: its body does not fit. `too-large`, `throttled`, `mail-full`: a limit; the last two pass.
 * `store-away`: other nodes can't be reached just now. `timeout`: not in time. `broken`: it failed on its way, or its handler
 * did.
 *
 * After `timeout` and `broken` it is not known whether the message arrived.
 */
export type MessageFault =
  | 'invalid'
  | 'unknown-service'
  | 'no-instance'
  | 'unknown-client'
  | 'not-allowed'
  | 'login'
  | 'schema'
  | 'too-large'
  | 'throttled'
  | 'mail-full'
  | 'store-away'
  | 'timeout'
  | 'broken'
