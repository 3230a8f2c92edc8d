/**
 * What operators say of people: rules, and what roles and claims are called at services. Compiled once, and replaced as a
 * whole while requests run; each of its functions answers by what holds now.
 *
 * @module
 */
import { type AccessRule, type AccessRuleFor, compileAccessRules } from './access-rules.ts'
import { type ClaimMapping, type ClaimMappingSetting, compileClaimMappings } from './claim-mappings.ts'
import type { RouteDemands } from './port.ts'
import { compileRoleMappings, type RoleMapping } from './role-mappings.ts'
import { createRouteDemands } from './route-demands.ts'

export interface PolicySettings {
  readonly roles: Readonly<Record<string, RoleMapping>>
  readonly mappings: readonly ClaimMappingSetting[]
  readonly rules: readonly AccessRule[]
}

export interface Policy {
  readonly ruleFor: AccessRuleFor
  readonly roleMappings: (service: string) => Readonly<Record<string, string>>
  readonly mappingFor: (service: string) => ClaimMapping | undefined
  readonly demandOf: RouteDemands
  /** Another one since it was replaced: what was made by it before is worth nothing. */
  readonly edition: number
  /**
   * Reads another one; what is returned puts it in place of this one.
   *
   * @throws ServicePatternError, PatternError, Error when a claim takes a name of the protocol
   */
  prepare(settings: PolicySettings): () => void
}

/** @throws as `prepare` */
export function createPolicy(settings: PolicySettings): Policy {
  let now = compile(settings)
  let edition = 0
  return {
    ruleFor: (service, path) => now.ruleFor?.(service, path),
    roleMappings: (service) => now.roleMappings(service),
    mappingFor: (service) => now.mappingFor(service),
    demandOf: (route) => now.demandOf(route),
    get edition() {
      return edition
    },
    prepare(next) {
      const compiled = compile(next)
      return () => {
        now = compiled
        edition++
      }
    },
  }
}

function compile({ roles, mappings, rules }: PolicySettings) {
  return {
    ruleFor: compileAccessRules(rules),
    roleMappings: compileRoleMappings(roles),
    mappingFor: compileClaimMappings(mappings),
    demandOf: createRouteDemands(rules),
  }
}
