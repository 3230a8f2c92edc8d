/**
 * Problems: what the gateway answers machines when something is wrong (RFC 9457).
 *
 * @module
 */
import { z } from 'zod'

export const PROBLEM_TYPE = 'application/problem+json'
/** Header of an answer the gateway gave in place of a service, as a page, a problem or a fallback: the code. */
export const PROBLEM_HEADER = 'hydra-problem'

export const problem = z.object({
  type: z.string().describe('Page that explains the code: /_hydra/errors/<code>.'),
  status: z.int().min(100).max(599),
  title: z.string(),
  detail: z.string().optional(),
  code: z
    .string()
    .regex(/^HYDRA_[A-Z0-9_]+$/)
    .describe('The stable name of the problem.'),
  exchange: z.string().describe('Id of the exchange; the same one stands in the log and in X-Request-Id.'),
  errors: z
    .array(z.object({ path: z.string(), message: z.string() }))
    .optional()
    .describe('Single faults of a body that was refused.'),
})
export type Problem = z.output<typeof problem>
