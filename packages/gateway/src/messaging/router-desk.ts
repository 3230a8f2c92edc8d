/**
 * What clients ask of their router itself: by the type of a message to `hydra-router:/` (`flywheel.md` 5.2, step 5).
 *
 * @module
 */
import {
  formatUmfAround,
  parseAddress,
  UMF_TYPES,
  type UmfAddress,
  type UmfMessage,
} from '@hydra-gateway/protocol/umf'
import { type ClientSending, senderOf } from './client-sending.ts'
import { CLOSE_CODES, type ClientSession, type LocalClients } from './client-session.ts'
import { MessageProblem, type Peers, type Permit, type Sender } from './port.ts'
import { clientAddress, type RouterWords } from './router-words.ts'

export interface RouterDeskDeps {
  readonly routerId: string
  readonly sending: Pick<ClientSending, 'send' | 'asSaid'>
  readonly words: RouterWords
  readonly locals: Pick<LocalClients, 'get'>
  readonly peers: Pick<Peers, 'whereIs'>
  /** Gives a client its former id and its mail. */
  readonly reconnect: (session: ClientSession, message: UmfMessage) => Promise<void>
  /** Whether a service is known. */
  readonly isService: (name: string) => boolean
  readonly permit: Permit
  /** Puts a message into the queue of a service; undefined where there is no Redis that services share. */
  readonly queue: () => ((service: string, message: UmfMessage) => Promise<void>) | undefined
  /** Calls of the router API; resolves with the body of the answer as JSON, undefined for no answer. */
  readonly routerCall: (message: UmfMessage, to: UmfAddress, sender: Sender) => Promise<string | undefined>
  /** A client has something for the router's log. */
  readonly onLog: (message: UmfMessage, sender: Sender) => void
}

export interface RouterDesk {
  handle(session: ClientSession, message: UmfMessage, to: UmfAddress): Promise<void>
}

export function createRouterDesk(deps: RouterDeskDeps): RouterDesk {
  const { routerId, sending, words, locals, peers, reconnect, isService, permit, queue, routerCall, onLog } =
    deps
  function refuse(session: ClientSession, reason: string, { mid }: UmfMessage): void {
    session.tell(words.error(reason, mid))
    session.end(CLOSE_CODES.policy, 'invalid message')
  }

  async function toQueue(session: ClientSession, message: UmfMessage): Promise<void> {
    const to = parseAddress(message.forward!)
    const put = queue()
    if (!put)
      throw new MessageProblem('store-away', 'messages of services are queued where they share a Redis only')
    // A queue of nobody would stay for ever.
    if (!isService(to.service))
      throw new MessageProblem('unknown-service', `No ${to.service} instances available`)
    const refusal = permit(message, to, senderOf(session))
    if (refusal) throw new MessageProblem(refusal.fault, refusal.reason)
    const { forward, ...kept } = sending.asSaid(session, message)
    await put(to.service, { ...kept, to: forward!, via: words.viaOf(session.id) })
  }

  async function whereIs(session: ClientSession, message: UmfMessage): Promise<void> {
    const { clientID } = message.body as { clientID?: unknown }
    if (typeof clientID !== 'string') return refuse(session, UNRECOGNIZED, message)
    const routerID = locals.get(clientID) ? routerId : (peers.whereIs(clientID) ?? '')
    session.tell(words.answer(message, { type: UMF_TYPES.whereIs, body: { routerID, clientID } }))
  }

  return {
    async handle(session, message, to) {
      if (to.method !== undefined) {
        const body = await routerCall(message, to, senderOf(session))
        if (body === undefined) return
        // Lists are long, and asked for by anybody: they are written once for all.
        const answer = words.answer(message, { to: clientAddress(session.id), body: {} })
        session.tell(answer, formatUmfAround(answer, body))
        return
      }
      if (await session.takes?.(message)) return
      switch (message.type) {
        case UMF_TYPES.ping:
          // As the original has it, without a sender.
          return session.tell(
            words.answer(message, { from: '', type: UMF_TYPES.pong, body: { typ: UMF_TYPES.pong } }),
          )
        case UMF_TYPES.log:
          return onLog(message, senderOf(session))
        case UMF_TYPES.reconnect:
        case UMF_TYPES.reconnection:
          return reconnect(session, message)
        case UMF_TYPES.whereIs:
          return whereIs(session, message)
      }
      if (!message.forward) return refuse(session, UNRECOGNIZED, message)
      if (to.path === '/queue') return toQueue(session, message)
      return sending.send(session, message)
    },
  }
}

/** The sentence of the original. */
const UNRECOGNIZED = 'Unrecognized Hydra Router request'
