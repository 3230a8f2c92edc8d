/**
 * Mail that belongs to somebody who is signed in: it ends with their session, at whatever node that is noticed.
 *
 * Whose a client's id is stands in an empty mailbox of its own, from the moment its socket opens, so that a node that has
 * never met it knows before it keeps anything. The node that had the client last removes what is kept as soon as it hears
 * of the end.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'
import type { MailboxStore } from '../store/mailboxes/port.ts'
import type { ClientIds } from './client-ids.ts'
import { createMailGiving, type MailGiving, type MailGivingDeps } from './mail-giving.ts'
import { createLeftBehind, type Owner, readOwner, writeOwner } from './owner.ts'
import { type ClientMail, MessageProblem } from './port.ts'
import type { MessageSettings } from './settings.ts'

export interface OwnedMail extends ClientMail, MailGiving {
  /** A client of somebody who is signed in has opened its socket. Nothing waits for it to be written. */
  opened(client: string, owner: Owner): void
  /** It left: what is kept for it from now on is theirs. */
  left(client: string, owner: Owner): void
  /** Removes what is kept for clients whose session is over. */
  removeEnded(): void
}

export interface OwnedMailDeps {
  readonly mail: ClientMail
  readonly mailboxes: Pick<MailboxStore, 'open' | 'read' | 'remove'>
  readonly ids: Pick<ClientIds, 'read'>
  readonly onReturned: MailGivingDeps['onReturned']
  /** Whether the session of an owner has ended, as far as is known without waiting. */
  readonly isOver: (owner: Owner) => boolean
  /** The same, once others have said whether they renewed it. */
  readonly hasEnded: (owner: Owner) => Promise<boolean>
  readonly settings: Pick<MessageSettings, 'keepMs'>
  readonly clock: Pick<Clock, 'now' | 'monotonic' | 'after'>
  readonly onFailed: (error: unknown) => void
}

export function createOwnedMail(deps: OwnedMailDeps): OwnedMail {
  const { mail, mailboxes, ids, onReturned, isOver, hasEnded, settings, clock, onFailed } = deps
  const away = createLeftBehind({ isOver, settings, clock })
  const boxOf = (client: string): string => `owner ${client}`

  async function ownerOf(client: string): Promise<Owner | undefined> {
    const { about } = await mailboxes.read(boxOf(client), undefined, 1)
    return readOwner(about)
  }
  async function remove(client: string): Promise<void> {
    away.delete(client)
    await Promise.all([mail.remove(client), mailboxes.remove(boxOf(client))])
  }
  function keepOwner(client: string, owner: Owner): void {
    mailboxes.open(boxOf(client), settings.keepMs, { about: writeOwner(owner) }).catch(onFailed)
  }

  return {
    ...mail,
    async put(client, text) {
      if (ids.read(client)?.isBound) {
        const owner = away.ownerOf(client) ?? (await ownerOf(client))
        // Nobody knows any more whose it was: then nobody may come for it either.
        if (!owner || (await hasEnded(owner))) {
          await remove(client)
          throw new MessageProblem('unknown-client', 'the session of this client is over')
        }
        // Whose it is stays known as long as the mail is there.
        keepOwner(client, owner)
      }
      await mail.put(client, text)
    },
    ...createMailGiving({ mail, onReturned, clock }),
    remove,
    opened(client, owner) {
      away.delete(client)
      keepOwner(client, owner)
    },
    left(client, owner) {
      // What was theirs was removed.
      if (isOver(owner)) return
      away.add(client, owner)
      // They may have been here for longer than anything is kept.
      keepOwner(client, owner)
    },
    removeEnded() {
      for (const client of away.ended()) remove(client).catch(onFailed)
    },
  }
}
