/**
 * Mail of clients that are away and speak the classic protocol, in the mailboxes of the store: where no Redis is shared
 * with original routers.
 *
 * @module
 */
import type { MailboxStore, MailPlace } from '../store/mailboxes/port.ts'
import { type ClientMail, MessageProblem } from './port.ts'
import type { MessageSettings } from './settings.ts'

export interface ClientMailDeps {
  readonly mailboxes: MailboxStore
  readonly settings: Pick<MessageSettings, 'keepMessages' | 'keepBytes' | 'keepMs'>
  /** Messages that had to go, to make room for newer ones. */
  readonly onDropped: (count: number) => void
}

/** Read at a time. */
const AT_A_TIME = 100

export function createClientMail({ mailboxes, settings, onDropped }: ClientMailDeps): ClientMail {
  const boxOf = (client: string): string => `classic ${client}`
  return {
    async put(client, text) {
      const { keepMessages: most, keepBytes: mostBytes, keepMs } = settings
      try {
        const { dropped } = await mailboxes.append(boxOf(client), text, { most, mostBytes, keepMs })
        if (dropped > 0) onDropped(dropped)
      } catch (error) {
        if (error instanceof RangeError) throw new MessageProblem('mail-full', error.message)
        throw error
      }
    },
    async give(client, take) {
      const box = boxOf(client)
      let given = 0
      let after: MailPlace | undefined
      for (;;) {
        const { epoch, mail } = await mailboxes.read(box, after, AT_A_TIME)
        const before = given
        try {
          for (const { text, ...place } of mail) {
            await take(text)
            given++
            after = { epoch, ...place }
          }
        } finally {
          // Also where the client left meanwhile: what it has does not come again.
          if (after && given > before) await mailboxes.acknowledge(box, after)
        }
        if (mail.length < AT_A_TIME) break
      }
      return given
    },
    remove: (client) => mailboxes.remove(boxOf(client)),
  }
}
