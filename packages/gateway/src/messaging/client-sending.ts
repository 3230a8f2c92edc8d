/**
 * Sends what a client says, as the client it is: with what was said of it when it came, and an error for it when the message
 * went nowhere.
 *
 * @module
 */
import type { UmfMessage } from '@hydra-gateway/protocol/umf'
import type { ClientSession } from './client-session.ts'
import type { Called, MessageFault, Messenger, Sender } from './port.ts'
import type { RouterWords } from './router-words.ts'

export interface ClientSending {
  /** Tells the client when it failed. Never rejects. */
  send(session: ClientSession, message: UmfMessage): Promise<void>
  /** Rejects with a MessageProblem. */
  call(session: ClientSession, message: UmfMessage): Promise<Called>
  /** The message as others get it (`requireWebsocketAuth`). */
  asSaid(session: ClientSession, message: UmfMessage): UmfMessage
}

export function createClientSending({
  messenger,
  words,
}: {
  readonly messenger: Messenger
  readonly words: Pick<RouterWords, 'error'>
}): ClientSending {
  function asSaid({ authAnswer }: ClientSession, message: UmfMessage): UmfMessage {
    const { body } = message
    if (authAnswer === undefined || typeof body !== 'object' || body === null || Array.isArray(body))
      return message
    return { ...message, body: { ...body, authResponse: authAnswer } }
  }

  return {
    asSaid,
    async send(session, message) {
      const sent = await messenger.send(asSaid(session, message), senderOf(session))
      if (!sent.ok) session.tell(words.error(sent.reason, message.mid, faultFor(session, sent.fault)))
    },
    call: (session, message) => messenger.call(asSaid(session, message), senderOf(session)),
  }
}

/** The word of a fault, for clients that may be told more than the original told. */
export function faultFor(
  { kind }: Pick<ClientSession, 'kind'>,
  fault: MessageFault,
): { readonly fault?: MessageFault } {
  return kind === 'resuming' ? { fault } : {}
}

export function senderOf({ id, caller, address }: ClientSession): Sender {
  return { kind: 'client', id, caller, address }
}
