/**
 * What a router itself says to clients.
 *
 * @module
 */
import {
  CLIENT_SERVICE,
  ROUTER_SERVICE,
  UMF_TYPES,
  UMF_VERSION,
  type UmfMessage,
} from '@hydra-gateway/protocol/umf'

export interface RouterWords {
  /** `R@hydra-router:/` */
  readonly address: string
  /** The way back to a client: `R-ID@hydra-router:/`. */
  viaOf(client: string): string
  /** The first message on a socket, and the one after it got another id. */
  connection(client: string, body: Readonly<Record<string, unknown>>): UmfMessage
  /** What went wrong; `rmid` names the message it is about, where that is known. */
  error(reason: string, rmid?: string, more?: Readonly<Record<string, unknown>>): UmfMessage
  /** An answer to a message of a client. */
  answer(
    message: UmfMessage,
    fields: Pick<UmfMessage, 'body'> & Partial<Pick<UmfMessage, 'to' | 'from' | 'type'>>,
  ): UmfMessage
  /** A message of our own. */
  message(fields: Pick<UmfMessage, 'to' | 'from' | 'body'> & Partial<UmfMessage>): UmfMessage
}

export const clientAddress = (id: string): string => `${id}@${CLIENT_SERVICE}:/`

export interface RouterWordsDeps {
  /** 32 lower-case hex digits. */
  readonly routerId: string
  /** Epoch ms. */
  readonly now: () => number
  readonly newId: () => string
}

export function createRouterWords({ routerId, now, newId }: RouterWordsDeps): RouterWords {
  const address = `${routerId}@${ROUTER_SERVICE}:/`
  const message: RouterWords['message'] = (fields) => ({
    mid: newId(),
    timestamp: new Date(now()).toISOString(),
    version: UMF_VERSION,
    ...fields,
  })
  return {
    address,
    viaOf: (client) => `${routerId}-${client}@${ROUTER_SERVICE}:/`,
    connection: (client, body) =>
      message({
        to: clientAddress(client),
        from: address,
        type: UMF_TYPES.connection,
        body: { id: client, ...body },
      }),
    error: (reason, rmid, more) =>
      message({
        to: `${CLIENT_SERVICE}:/`,
        from: address,
        ...(rmid === undefined ? {} : { rmid }),
        body: { error: reason, ...more },
      }),
    answer: ({ from, mid }, { body, ...fields }) =>
      message({ to: from, from: address, rmid: mid, ...fields, body }),
    message,
  }
}
