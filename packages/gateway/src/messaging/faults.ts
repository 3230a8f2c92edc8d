/**
 * What was wrong with a message, as those who sent it are told.
 *
 * @module
 */
import { UmfError } from '@hydra-gateway/protocol/umf'
import { StoreAway } from '../store/redis/port.ts'
import { type MessageFault, MessageProblem, type Sent } from './port.ts'

/** What came of a message whose way ended with an error; surprises are for the log, not for its sender. */
export function failureOf(error: unknown, mid: string): Extract<Sent, { ok: false }> {
  if (error instanceof MessageProblem) return failure(error.fault, error.message, mid)
  if (error instanceof UmfError) return failure('invalid', error.message, mid)
  if (error instanceof StoreAway) return failure('store-away', 'the store can not be reached now', mid)
  return failure('broken', 'the message could not be delivered', mid)
}

export function failure(fault: MessageFault, reason: string, mid: string): Extract<Sent, { ok: false }> {
  return { ok: false, fault, reason, mid }
}

/** Whether an error is one of ours, which needs no line in the log. */
export function isExpected(error: unknown): boolean {
  return error instanceof MessageProblem || error instanceof UmfError || error instanceof StoreAway
}
