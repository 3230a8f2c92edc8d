/**
 * A push to many clients: one request for so many of them, whatever their number. A gateway that knows none of this gets a
 * message for each.
 *
 * @module
 */
import { MOST_PUSHED, PUSHED_AS_ONE, PUSHED_ID } from '@hydra-gateway/protocol/rsocket'
import { formatUmf, type UmfMessage } from '@hydra-gateway/protocol/umf'
import type { PushedToMany } from './message.ts'
import { MessageError } from './message-error.ts'
import type { Outbox } from './outbox.ts'

export interface PushManyDeps {
  readonly outbox: Pick<Outbox, 'ask'>
  /** Sends a message to one of them. */
  readonly one: (client: string, timeoutMs: number) => Promise<'now' | 'later'>
  readonly mostBytes: number
  /** Any clock, ms. */
  readonly now: () => number
}

type Failed = PushedToMany['failed'][number]

/** Below what may be under way at a time, so that others get through. */
const ONE_BY_ONE = 128

/** @throws MessageError when it could be asked for none of them */
export async function pushMany(
  message: UmfMessage,
  ids: Iterable<string>,
  timeoutMs: number,
  deps: PushManyDeps,
): Promise<PushedToMany> {
  const text = formatUmf(message)
  const bytes = Buffer.byteLength(text)
  if (bytes > deps.mostBytes)
    throw new MessageError('too-large', `a message may have ${deps.mostBytes} bytes, not ${bytes}`)
  const clients: string[] = []
  const failed: Failed[] = []
  for (const id of new Set(ids)) {
    if (PUSHED_ID.test(id)) clients.push(id)
    else failed.push({ client: String(id), fault: 'unknown-client', reason: UNKNOWN })
  }
  const parts: string[][] = []
  for (let at = 0; at < clients.length; at += MOST_PUSHED) parts.push(clients.slice(at, at + MOST_PUSHED))

  // All at once: in the order they are asked for, and with nothing in between.
  const outcomes = await Promise.allSettled(parts.map((part) => pushPart(text, part, timeoutMs, deps)))
  const first = outcomes.find(({ status }) => status === 'rejected')
  if (first && outcomes.every(({ status }) => status === 'rejected'))
    throw (first as PromiseRejectedResult).reason
  let now = 0
  let later = 0
  for (const [at, outcome] of outcomes.entries()) {
    if (outcome.status === 'rejected')
      for (const client of parts[at]!) failed.push(failure(client, outcome.reason))
    else {
      now += outcome.value.now
      later += outcome.value.later
      for (const each of outcome.value.failed) failed.push(each)
    }
  }
  return { now, later, failed }
}

async function pushPart(
  text: string,
  clients: readonly string[],
  timeoutMs: number,
  deps: PushManyDeps,
): Promise<PushedToMany> {
  const until = deps.now() + timeoutMs
  const data = Buffer.from(`{"message":${text},"clients":["${clients.join('","')}"]}`)
  const weight = Math.ceil(clients.length / PUSHED_AS_ONE)
  let answer: unknown
  try {
    answer = await deps.outbox.ask((open, ms) => open.push(data, ms), timeoutMs, weight)
  } catch (fault) {
    if (!(fault instanceof MessageError) || fault.fault !== 'not-supported') throw fault
    return oneByOne(clients, () => Math.max(1, until - deps.now()), deps)
  }
  const { ok, now, later, failed, fault, reason } = (answer ?? {}) as Partial<PushedToMany> &
    Partial<Failed> & { readonly ok?: boolean }
  if (ok === true && now !== undefined && later !== undefined && failed) return { now, later, failed }
  throw new MessageError(fault ?? 'broken', reason ?? 'the gateway did not take the message')
}

async function oneByOne(
  clients: readonly string[],
  leftMs: () => number,
  { one }: PushManyDeps,
): Promise<PushedToMany> {
  const failed: Failed[] = []
  const count = { now: 0, later: 0 }
  let at = 0
  const lane = async (): Promise<void> => {
    while (at < clients.length) {
      const client = clients[at++]!
      try {
        count[await one(client, leftMs())]++
      } catch (fault) {
        if (!(fault instanceof MessageError) || fault.fault === 'not-supported') throw fault
        failed.push(failure(client, fault))
      }
    }
  }
  await Promise.all(Array.from({ length: ONE_BY_ONE }, lane))
  return { ...count, failed }
}

const UNKNOWN = 'the id of a client consists of digits and small letters'

function failure(client: string, fault: unknown): Failed {
  const { message } = fault as Error
  return { client, fault: fault instanceof MessageError ? fault.fault : 'broken', reason: message }
}
