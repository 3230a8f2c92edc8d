/**
 * Gives mail to one socket of a client at a time: two of them would be given the same, so a second one waits until the
 * first, which it ended, has no more. While the mail can't be read that is tried again, for some seconds.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'
import type { ClientMail } from './port.ts'

export interface MailGivingDeps {
  readonly mail: Pick<ClientMail, 'give'>
  /** Something was given and not taken: it waits again, and whoever has the client now collects it. */
  readonly onReturned: (client: string) => void
  readonly clock: Pick<Clock, 'monotonic' | 'after'>
}

/** What is sent to a client meanwhile waits behind its mail: `give` tries for some seconds, and not for ever. */
export interface MailGiving extends Pick<ClientMail, 'give'> {
  /** Tries once. */
  readonly giveOnce: ClientMail['give']
}

const PATIENCE_MS = 4000
const AGAIN_MS = 250

export function createMailGiving({ mail, onReturned, clock }: MailGivingDeps): MailGiving {
  /** The last giving of each client that is given to. */
  const giving = new Map<string, Promise<number>>()

  async function giveAfter(
    before: Promise<number> | undefined,
    client: string,
    take: (text: string) => Promise<void>,
    patienceMs: number,
  ): Promise<number> {
    await before?.catch(() => {})
    const until = clock.monotonic() + patienceMs
    let isReturned = false
    let given = 0
    const taken = async (text: string): Promise<void> => {
      try {
        await take(text)
      } catch (error) {
        isReturned = true
        throw error
      }
      given++
    }
    for (;;) {
      try {
        await mail.give(client, taken)
        return given
      } catch (error) {
        if (isReturned) onReturned(client)
        if (isReturned || clock.monotonic() >= until) throw error
      }
      await new Promise<void>((resolve) => clock.after(AGAIN_MS, resolve))
    }
  }
  const givingFor =
    (patienceMs: number): ClientMail['give'] =>
    async (client, take) => {
      const given = giveAfter(giving.get(client), client, take, patienceMs)
      giving.set(client, given)
      try {
        return await given
      } finally {
        if (giving.get(client) === given) giving.delete(client)
      }
    }

  return { give: givingFor(PATIENCE_MS), giveOnce: givingFor(0) }
}
