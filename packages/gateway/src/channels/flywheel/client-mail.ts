/**
 * Mail for clients that are away, where original routers keep theirs (`flywheel.md` 5.6): the oldest comes first, which was
 * the other way round there, and what was given but not taken comes again (B6).
 *
 * @module
 */
import { formatUmf, parseUmf, UmfError, type UmfSource } from '@hydra-gateway/protocol/umf'
import { cameFromClient } from '../../messaging/addressed.ts'
import { type ClientMail, MessageProblem } from '../../messaging/port.ts'
import { type RedisLine, type Script, StoreAway } from '../../store/redis/port.ts'
import type { Complaints } from './complaints.ts'
import { MAIL_NEXT, MAIL_PUT, MAIL_RESTORE, MAIL_TAKEN } from './scripts.ts'
import type { FlywheelNetworkSettings } from './settings.ts'
import { CLIENT_ID, mailKeys } from './words.ts'

export interface ClientMailDeps {
  /** To the database with the mail. */
  readonly line: RedisLine
  readonly settings: Pick<FlywheelNetworkSettings, 'keepMessages' | 'keepBytes' | 'keepForMs'>
  readonly complaints: Complaints
  readonly source: UmfSource
}

export function createClientMail({ line, settings, complaints, source }: ClientMailDeps): ClientMail {
  const keysOf = (client: string) => {
    if (!CLIENT_ID.test(client)) throw new MessageProblem('unknown-client', 'this is no id of a client')
    return mailKeys(client)
  }
  const run = async (script: Script, keys: string[], args: string[]): Promise<unknown> => {
    try {
      return await line.run(script, keys, args)
    } catch (error) {
      if (error instanceof StoreAway)
        throw new MessageProblem('store-away', 'Redis can not be reached: no mail is kept')
      complaints.about('mail', 'mail can not be kept', { reason: (error as Error).message })
      throw new MessageProblem('broken', 'mail can not be kept')
    }
  }
  const { keepMessages, keepBytes, keepForMs } = settings
  /**
   * Originals keep messages with long names, and give them with short ones; undefined for what is none. The way of an answer
   * led here, and is nothing to the client.
   */
  const shortOf = (text: string): string | undefined => {
    try {
      const { via, ...message } = parseUmf(text, source)
      return formatUmf(via && cameFromClient(via) ? { ...message, via } : message)
    } catch (error) {
      if (!(error instanceof UmfError)) throw error
      complaints.about('message', 'mail of a client is no message', { reason: error.message })
      return undefined
    }
  }
  return {
    async put(client, text) {
      const bounds = [keepForMs, keepMessages, keepBytes].map(String)
      const dropped = (await run(MAIL_PUT, keysOf(client), [text, ...bounds])) as number
      if (dropped < 0) throw new MessageProblem('mail-full', 'the message is larger than a mailbox')
      for (let i = 0; i < dropped; i++)
        complaints.about('mail-dropped', 'the oldest mail of a client was dropped')
    },
    async give(client, take) {
      const [queued, processing, bytes] = keysOf(client)
      await run(MAIL_RESTORE, [queued, processing], [])
      let given = 0
      for (;;) {
        const text = (await run(MAIL_NEXT, [queued, processing], [String(keepForMs)])) as string | null
        if (text === null) return given
        const short = shortOf(text)
        if (short !== undefined) {
          try {
            await take(short)
          } catch (error) {
            // Whoever takes the rest elsewhere is not to miss it until somebody comes back.
            await run(MAIL_RESTORE, [queued, processing], []).catch(() => {})
            throw error
          }
          given++
        }
        await run(MAIL_TAKEN, [processing, bytes], [text])
      }
    },
    async has(client) {
      const [queued, processing] = keysOf(client)
      try {
        return Number(await line.send(queued, ['EXISTS', queued, processing])) > 0
      } catch {
        throw new MessageProblem('store-away', 'Redis can not be reached: nobody knows whether there is mail')
      }
    },
    async remove(client) {
      const keys = keysOf(client)
      try {
        await line.send(keys[0], ['DEL', ...keys])
      } catch {
        throw new MessageProblem('store-away', 'Redis can not be reached: mail stays where it is')
      }
    },
  }
}
