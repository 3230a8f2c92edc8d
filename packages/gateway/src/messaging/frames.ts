/**
 * What a frame of a client becomes: a call, a message to a service, to another client, or to its router (`flywheel.md`
 * 5.2, step by step, with the sentences of the original). Answers name the message they are about (`rmid`).
 *
 * @module
 */
import {
  CLIENT_SERVICE,
  checkCall,
  parseAddress,
  parseUmf,
  ROUTER_SERVICE,
  type UmfAddress,
  UmfError,
  UmfHeadersError,
  type UmfMessage,
  type UmfSource,
} from '@hydra-gateway/protocol/umf'
import { type ClientSending, faultFor } from './client-sending.ts'
import { CLOSE_CODES, type ClientSession } from './client-session.ts'
import { failureOf } from './faults.ts'
import { type Called, MessageProblem } from './port.ts'
import type { RouterDesk } from './router-desk.ts'
import type { RouterWords } from './router-words.ts'
import type { Signatures } from './signature.ts'

export interface FramesDeps {
  readonly sending: ClientSending
  /** What clients ask of the router itself. */
  readonly desk: RouterDesk
  readonly words: RouterWords
  readonly source: UmfSource
  /** Checks signatures; undefined where none are asked for. */
  readonly signatures: () => Pick<Signatures, 'check'> | undefined
}

export interface Frames {
  /** Reads a frame; undefined when it was no message: then its sender was told, and the line closed. */
  read(session: ClientSession, text: string): UmfMessage | undefined
  /** Does what a message asks for. Never rejects. */
  handle(session: ClientSession, message: UmfMessage): Promise<void>
}

const UNHANDLED = { fault: 'broken', reason: 'the message could not be handled' } as const
/** Of a frame that is no message, so much is said back. */
const SHOWN = 1024

const SIGNATURE_FAULTS = {
  missing: 'Not a signed UMF message',
  wrong: 'Invalid signed UMF message',
  replayed: 'Replayed UMF message',
} as const

export function createFrames({ sending, desk, words, source, signatures }: FramesDeps): Frames {
  const { send } = sending

  async function call(session: ClientSession, message: UmfMessage): Promise<void> {
    const failed = (error: unknown) => bodyOfFailure(error, session)
    const body = await sending.call(session, message).then(bodyOf, failed)
    const answer = words.answer(message, { from: message.to, body })
    await session.deliver(answer).catch(async (error) => {
      if (!(error instanceof MessageProblem) || error.fault !== 'too-large') return
      await session.deliver({ ...answer, body: failed(error) }).catch(() => {})
    })
  }

  /** To a service, with the way back, which the client has no say in. */
  function toService(session: ClientSession, message: UmfMessage): UmfMessage {
    const via = words.viaOf(session.id)
    if (message.forward === undefined) return { ...message, via }
    const { forward: _, ...kept } = message
    return { ...kept, via }
  }

  async function dispatch(session: ClientSession, message: UmfMessage, to: UmfAddress): Promise<void> {
    if (to.service === ROUTER_SERVICE) return desk.handle(session, message, to)
    if (to.method !== undefined) {
      checkCall(message)
      return call(session, message)
    }
    if (to.service === CLIENT_SERVICE) return send(session, message)
    return send(session, toService(session, message))
  }

  return {
    read(session, text) {
      const refuse = (reason: string, rmid?: string): undefined => {
        session.tell(words.error(reason, rmid))
        session.end(CLOSE_CODES.policy, 'invalid message')
      }
      let message: UmfMessage
      try {
        message = parseUmf(text, source)
      } catch (error) {
        if (error instanceof UmfHeadersError) return refuse(error.message, error.rmid)
        if (!(error instanceof UmfError)) throw error
        const shown = text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text
        return refuse(`HR: Invalid UMF message: ${shown} closing connection`, error.rmid)
      }
      const fault = signatures()?.check(message)
      return fault ? refuse(SIGNATURE_FAULTS[fault], message.mid) : message
    },
    async handle(session, message) {
      try {
        await dispatch(session, message, parseAddress(message.to))
      } catch (error) {
        const isTheirs = error instanceof UmfError || error instanceof MessageProblem
        const { fault, reason } = isTheirs ? failureOf(error, message.mid) : UNHANDLED
        session.tell(words.error(reason, message.mid, faultFor(session, fault)))
        if (!isTheirs) throw error
      }
    },
  }
}

/**
 * What a client gets of an answer: the `result` of JSON, as the original; JSON without one whole, where the original gave
 * `{}`. There is always a body: nothing is `{}`.
 */
function bodyOf({ body, isJson }: Called): unknown {
  if (!isJson || typeof body !== 'object' || body === null) return body || {}
  return ('result' in body && body.result) || body
}

/** As the original has it; clients that resume are told that it failed, and by which word, whatever it was. */
function bodyOfFailure(error: unknown, session: ClientSession): unknown {
  if (!(error instanceof MessageProblem)) throw error
  const isNobody = error.fault === 'no-instance' || error.fault === 'unknown-service'
  if (session.kind === 'resuming')
    return { error: true, ...faultFor(session, error.fault), reason: error.message }
  return isNobody ? { reason: error.message } : { error: true, result: error.message }
}
