/**
 * Access rules: what operators say about who may go where, whatever a service says itself (`identity.rules`).
 *
 * The last rule that fits a service and a path counts, and replaces all that the service said. Paths are compared as the
 * routing table does, segment by segment and decoded; a rule that closes something holds for generous readings of it as
 * well (`other-reading.ts`).
 *
 * @module
 */
import { type Auth, matchPattern, type Pattern, parsePattern } from '@hydra-gateway/protocol'
import { foldedPattern } from '../routing/folded-routes.ts'
import { decodePath } from '../routing/paths.ts'
import type { Access } from '../routing/route.ts'
import { isClosed } from './access.ts'
import { otherReading } from './other-reading.ts'
import { perService } from './per-service.ts'
import { matchesService } from './service-patterns.ts'

export interface AccessRule {
  /** Service patterns; all services when absent. */
  readonly service?: string | undefined
  /** A path pattern of ours; all paths when absent. */
  readonly path?: string | undefined
  readonly auth?: Auth | undefined
  readonly roles?: readonly string[] | undefined
  readonly providers?: readonly string[] | undefined
}

/**
 * What an operator says about a path of a service; undefined when he says nothing. Without a path: about what is not
 * asked for by one, such as fragments and messages, for which only rules without a path are meant.
 */
export type AccessRuleFor = (service: string, path?: string) => Access | undefined

interface Compiled {
  readonly isFor: (service: string) => boolean
  readonly patterns: readonly Pattern[] | undefined
  /** For whom case means nothing; of rules that close something only. */
  readonly folded: readonly Pattern[] | undefined
  readonly access: Access
}

const NO_RULES: readonly Compiled[] = Object.freeze([])

/**
 * Reads the rules; undefined when there are none, so that nobody has to ask.
 *
 * @throws ServicePatternError, PatternError
 */
export function compileAccessRules(rules: readonly AccessRule[]): AccessRuleFor | undefined {
  if (rules.length === 0) return undefined
  // The last that fits counts: it is looked at first.
  const compiled = rules.map(compile).reverse()
  const rulesOf = perService((service) => {
    const own = compiled.filter(({ isFor }) => isFor(service))
    return own.length === 0 ? NO_RULES : own
  })

  return (service, path) => {
    const own = rulesOf(service)
    if (own.length === 0) return undefined
    if (path === undefined || own.every(({ patterns }) => patterns === undefined))
      return own.find(({ patterns }) => patterns === undefined)?.access
    const segments = segmentsOf(path)
    const other = otherReading(path)
    const others = other === undefined ? segments : segmentsOf(other)
    return own.find(({ patterns, folded }) => fits(patterns, segments) || (folded && fits(folded, others)))
      ?.access
  }
}

function compile({ service, path, auth, roles, providers }: AccessRule): Compiled {
  const access: Access = Object.freeze({
    ...(auth === undefined ? {} : { auth }),
    ...(roles === undefined ? {} : { roles }),
    ...(providers === undefined ? {} : { providers }),
  })
  const patterns = path === undefined ? undefined : parsePattern(path).patterns
  return {
    isFor: service === undefined ? () => true : matchesService(service),
    patterns,
    folded: isClosed(access) ? patterns?.map(foldedPattern) : undefined,
    access,
  }
}

/** Decoded; undefined for a path that isn't canonical, which only rules for all paths fit. */
function segmentsOf(path: string): readonly string[] | undefined {
  const segments = decodePath(path)?.slice(1).split('/')
  return path.includes('%') ? segments?.map((segment) => segment.replaceAll('\0', '/')) : segments
}

function fits(patterns: Compiled['patterns'], segments: readonly string[] | undefined): boolean {
  if (patterns === undefined) return true
  return segments !== undefined && patterns.some((pattern) => matchPattern(pattern, segments))
}
