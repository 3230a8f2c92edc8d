/**
 * The line between a gateway and the process that looks after it (`supervisor.ts`): what either may say.
 *
 * @module
 */
import { z } from 'zod'
import { handedState } from './handover.ts'

/** Set for a gateway that has such a parent. */
export const SUPERVISED = 'HYDRA_SUPERVISED'

const fromGateway = z.discriminatedUnion('hydra', [
  /** It serves; said again when it may take longer to stop. */
  z.object({
    hydra: z.literal('ready'),
    url: z.string(),
    version: z.string(),
    /** How long it may take to stop, ms. */
    patienceMs: z.number(),
  }),
  /** It could not start, and has said why to people. */
  z.object({ hydra: z.literal('failed'), reason: z.string() }),
  /** What does the gateway before know? Answered with `handed`, and again with each change. */
  z.object({ hydra: z.literal('asks') }),
  z.object({ hydra: z.literal('handed'), state: handedState }),
])

const toGateway = z.discriminatedUnion('hydra', [
  /** Another one has asked. */
  z.object({ hydra: z.literal('hand-over') }),
  z.object({ hydra: z.literal('handed'), state: handedState.optional() }),
  /** Another one serves at the same ports: finish what runs, and end. */
  z.object({ hydra: z.literal('leave') }),
])

export type FromGateway = z.infer<typeof fromGateway>
export type ToGateway = z.infer<typeof toGateway>

export const readFromGateway = (message: unknown): FromGateway | undefined =>
  fromGateway.safeParse(message).data
export const readToGateway = (message: unknown): ToGateway | undefined => toGateway.safeParse(message).data

/** The end of the line in the gateway. */
export interface ParentLine {
  say(message: FromGateway): void
  onMessage(listener: (message: ToGateway) => void): void
  /** The parent is gone without a word: nobody could stop this process any more. */
  onGone(listener: () => void): void
}
