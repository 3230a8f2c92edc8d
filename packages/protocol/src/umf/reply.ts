/**
 * Answers to messages, and what a message must have that is a call.
 *
 * @module
 */
import { parseAddress } from './address.ts'
import { type UmfAddress, UmfError, type UmfMessage } from './message.ts'
import type { UmfSource } from './read.ts'
import { UMF_VERSION } from './words.ts'

/** What the author of an answer says; the rest follows from the message. */
export type UmfReply = Pick<UmfMessage, 'body'> & Partial<UmfMessage>

/**
 * The answer to a message: names its id and goes back to its sender, by `via` when there is one. What its author does
 * not say is kept, `forward` included. Unlike in the original, what only the sender can say is not repeated: its
 * signature, its authorization, its headers and its timeout.
 */
export function replyTo(message: UmfMessage, reply: UmfReply, source: UmfSource): UmfMessage {
  const { signature: _, authorization: _a, headers: _h, timeout: _t, ...kept } = message
  const said = Object.fromEntries(Object.entries(reply).filter(([, value]) => value !== undefined))
  const via = reply.via ?? message.via
  return {
    ...kept,
    to: message.from,
    from: message.to,
    rmid: message.mid,
    mid: source.newId(),
    timestamp: new Date(source.now()).toISOString(),
    version: UMF_VERSION,
    ...(said as unknown as UmfReply),
    ...(via ? { to: via } : {}),
  }
}

/** An address that is called over HTTP. */
export type UmfCallAddress = UmfAddress & { readonly method: string }

/**
 * Reads an address that is called: it needs a method and a path.
 *
 * @throws UmfError with the sentence of the original
 */
export function checkCall(message: Pick<UmfMessage, 'to' | 'mid'>): UmfCallAddress {
  let address: UmfAddress
  try {
    address = parseAddress(message.to)
  } catch (error) {
    throw error instanceof UmfError ? new UmfError(error.message, message.mid) : error
  }
  const { method } = address
  if (method === undefined) throw new UmfError('HTTP method not specified in `to` field', message.mid)
  if (!address.path.startsWith('/'))
    throw new UmfError('message `to` field does not specify a valid route', message.mid)
  return { ...address, method }
}
