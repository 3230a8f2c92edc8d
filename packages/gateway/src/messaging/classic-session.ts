/**
 * The session of a client that speaks the classic protocol: as long as its socket. Messages that come while mail is given
 * to it wait behind that, so that what was sent first comes first.
 *
 * @module
 */
import { formatUmf } from '@hydra-gateway/protocol/umf'
import type { Clock } from '../observe/clock.ts'
import type { ClientFacts, ClientLine, ClientSession } from './client-session.ts'
import { type ClientMail, MessageProblem } from './port.ts'

export interface ClassicSession extends ClientSession {
  readonly kind: 'classic'
  /**
   * Gives it all its mail, the oldest first; what comes from now on waits behind that. Resolves with how many there were.
   */
  collect(mail: Pick<ClientMail, 'give'>): Promise<number>
}

/** Messages that wait while mail is given, and characters of them: above, all go to the mail, which has its own bound. */
const MOST_HELD = 1000
const MOST_HELD_CHARACTERS = 2 ** 20
/** So long a client may read at its mail before what waits goes there, too: whoever sent that is not kept waiting. */
const PATIENCE_MS = 2000

export function createClassicSession(
  id: string,
  line: ClientLine,
  { caller, address, authAnswer }: ClientFacts,
  clock: Pick<Clock, 'after' | 'monotonic'>,
): ClassicSession {
  let held: { readonly text: string; settle(isSent: boolean): void }[] | undefined
  let heldCharacters = 0
  let collecting: Promise<number> | undefined
  /** Some came that this collecting may not have seen. */
  let isMore = false
  /** What waited went to the mail, and what comes now does, so that nothing is overtaken. */
  let isFull = false
  const away = () => new MessageProblem('unknown-client', 'the client left')

  const settleHeld = (send: (text: string) => boolean): void => {
    const waiting = held ?? []
    held = held && []
    heldCharacters = 0
    for (const { text, settle } of waiting) settle(send(text))
  }
  const mailHeld = (): void => {
    isFull = true
    settleHeld(() => false)
  }
  const release = (): void => {
    settleHeld((text) => line.send(text))
    held = undefined
  }
  const hold = (text: string, settle: (isSent: boolean) => void): void => {
    if (!held || isFull) {
      settle(false)
      return
    }
    held.push({ text, settle })
    heldCharacters += text.length
    if (held.length > MOST_HELD || heldCharacters > MOST_HELD_CHARACTERS) mailHeld()
  }

  async function giveRound(mail: Pick<ClientMail, 'give'>): Promise<number> {
    let leftMs = PATIENCE_MS
    isMore = false
    isFull = false
    return mail.give(id, async (text) => {
      const from = clock.monotonic()
      const cancel = clock.after(Math.max(0, leftMs), mailHeld)
      await flushed(line, text).finally(cancel)
      leftMs -= clock.monotonic() - from
    })
  }
  async function giveAll(mail: Pick<ClientMail, 'give'>): Promise<number> {
    held = []
    let given = 0
    try {
      do given += await giveRound(mail)
      while (isMore || isFull)
      return given
    } finally {
      // At once: who asks from now on begins another.
      collecting = undefined
      release()
    }
  }

  return {
    id,
    kind: 'classic',
    caller,
    address,
    line,
    authAnswer,
    async deliver(message, text = formatUmf(message)) {
      const isSent = held ? await new Promise<boolean>((settle) => hold(text, settle)) : line.send(text)
      if (!isSent) throw away()
      return 'now'
    },
    tell: (message, text = formatUmf(message)) => void line.send(text),
    collect(mail) {
      // Two at a time would give the same twice.
      isMore = collecting !== undefined
      collecting ??= giveAll(mail)
      return collecting
    },
    end: (code, reason) => line.close(code, reason),
    gone: release,
  }
}

/** Resolves once the system has a text; rejects when the line is gone. */
function flushed(line: ClientLine, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (isSent: boolean): void => {
      if (isSent) resolve()
      else reject(new MessageProblem('unknown-client', 'the client left'))
    }
    if (!line.send(text, settle)) settle(false)
  })
}
