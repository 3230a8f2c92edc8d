/**
 * Fragments a page doesn't even ask for, whoever renders them: those that stand too deep or inside themselves, and
 * those whose names came to nothing that can be asked for.
 *
 * @module
 */
import {
  type FallbackReason,
  type FragmentContext,
  MOST_DEPTH,
  MOST_REF_LENGTH,
  MOST_SERVICE_LENGTH,
} from '@hydra-gateway/protocol'
import type { Say } from './page-log.ts'
import { isFilled } from './page-program.ts'

/** Why the fragment shows its fallback without being asked for; undefined when it may be asked for. */
export function refusalOf(
  service: string,
  ref: string,
  context: Pick<FragmentContext, 'depth' | 'chain'>,
  say: Say,
): FallbackReason | undefined {
  const chain = context.chain ?? []
  if ((context.depth ?? 0) >= MOST_DEPTH || chain.length >= MOST_DEPTH) {
    say('depth', `fragments stand inside each other more than ${MOST_DEPTH} deep; fallbacks are shown`)
    return 'depth'
  }
  if (chain.includes(`${service}#${ref}`)) {
    say(
      `recursion ${service}#${ref}`,
      `${service}#${ref} stands inside itself (${chain.join(' > ')}); its fallback is shown`,
    )
    return 'recursion'
  }
  // Filled in from attributes, it may be anything; a question with one of these in it would be refused as a whole.
  const isShort = service.length <= MOST_SERVICE_LENGTH && ref.length <= MOST_REF_LENGTH
  return isFilled(service) && isFilled(ref) && isShort ? undefined : 'unresolved-name'
}
