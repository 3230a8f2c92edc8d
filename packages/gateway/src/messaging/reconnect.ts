/**
 * Gives a client of the classic protocol its former id, and the mail that came meanwhile, the oldest first (`flywheel.md`
 * 5.6).
 *
 * An id is a secret: who knows it gets what is for it. One that was given to somebody who is signed in is of use in
 * that session only.
 *
 * @module
 */
import type { UmfMessage } from '@hydra-gateway/protocol/umf'
import type { Clock } from '../observe/clock.ts'
import { type ClassicSession, createClassicSession } from './classic-session.ts'
import type { ClientIds } from './client-ids.ts'
import { CLOSE_CODES, type ClientSession, type LocalClients } from './client-session.ts'
import type { ClientMail, Peers } from './port.ts'
import type { RouterWords } from './router-words.ts'

export interface ReconnectDeps {
  readonly ids: Pick<ClientIds, 'read' | 'belongsTo'>
  readonly locals: LocalClients
  readonly peers: Pick<Peers, 'whereIs'>
  readonly mail: ClientMail
  readonly words: RouterWords
  /** The socket of a session has another one from now on. */
  readonly replace: (before: ClientSession, session: ClassicSession) => void
  /** Its mail could not be given. */
  readonly onFailed: (session: ClassicSession, error: unknown) => void
  readonly clock: Pick<Clock, 'after' | 'monotonic'>
}

export type Reconnect = (session: ClientSession, message: UmfMessage) => Promise<void>

export function createReconnect(deps: ReconnectDeps): Reconnect {
  const { ids, locals, peers, mail, words, replace, onFailed, clock } = deps

  /** Why a session can't have an id. */
  async function refusalOf({ kind, caller }: ClientSession, wanted: string): Promise<string | undefined> {
    if (kind !== 'classic') return 'a session that resumes keeps its id'
    const known = ids.read(wanted)
    if (known?.kind === 'resuming') return 'this session is resumed with its token'
    if (known?.isBound && !(caller && ids.belongsTo(wanted, caller.sid)))
      return 'this session belongs to somebody who is signed in'
    if (known || locals.get(wanted) || peers.whereIs(wanted) !== undefined) return undefined
    // Clients of an original router that stopped have its ids; no place knows those for whom nothing was kept.
    if (mail.has && (OF_AN_ORIGINAL.test(wanted) || (await mail.has(wanted)))) return undefined
    return 'no such session'
  }

  return async (session, message) => {
    const { id } = message.body as { id?: unknown }
    if (typeof id !== 'string' || !FORM.test(id)) {
      session.tell(words.error('reconnect needs the former id in "bdy.id"', message.mid))
      session.end(CLOSE_CODES.policy, 'invalid message')
      return
    }
    const refusal = await refusalOf(session, id)
    if (refusal) {
      session.tell(words.error(refusal, message.mid))
      return
    }
    if (!session.line.isOpen) return
    const again = createClassicSession(id, session.line, session, clock)
    again.tell({ ...words.connection(id, {}), rmid: message.mid })
    const collected = again.collect(mail)
    replace(session, again)
    // What could not be given is in the mail still.
    await collected.catch((error) => onFailed(again, error))
  }
}

const FORM = /^[0-9a-z]{1,64}$/
/** 53 bits in base 36; ours are longer. */
const OF_AN_ORIGINAL = /^[0-9a-z]{1,11}$/
