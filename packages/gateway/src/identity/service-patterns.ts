/**
 * Service patterns: a comma list of regular expressions, each for the whole name of a service, as operators write them
 * for role mappings, claim mappings and access rules (`medusa.md` 4.2).
 *
 * They run on RE2's automata, so that none of them takes more than linear time, whatever it looks like. What RE2 has
 * not (look-around, references back) is refused when the configuration is read. What was found for a name is kept.
 * Their engine, larger than all else of identity, is loaded with the first pattern that needs it.
 *
 * @module
 */
import { createRequire } from 'node:module'
import { perService } from './per-service.ts'

/** A list that can't be read. The message names the pattern, and why. */
export class ServicePatternError extends Error {
  constructor(pattern: string, reason: string) {
    const shown = pattern.length > 80 ? `${pattern.slice(0, 77)}...` : pattern
    super(`${JSON.stringify(shown)} is not a pattern for names of services: ${reason}`)
    this.name = 'ServicePatternError'
  }
}

const MOST_LENGTH = 2048
const MOST_PATTERNS = 64
/** Most lists are names and `.*`: nothing has to be run for them. */
const PLAIN = /^[\w-]+$/
const EVERY_SERVICE = '.*'

const require = createRequire(import.meta.url)

/**
 * Reads a list. `.*,billing` fits every service.
 *
 * @throws ServicePatternError
 */
export function matchesService(patterns: string): (service: string) => boolean {
  if (patterns.length > MOST_LENGTH)
    throw new ServicePatternError(patterns, `a list has at most ${MOST_LENGTH} characters`)
  const parts = patterns
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
  if (parts.length === 0) throw new ServicePatternError(patterns, 'it names none; .* stands for all')
  if (parts.length > MOST_PATTERNS)
    throw new ServicePatternError(patterns, `a list has at most ${MOST_PATTERNS} patterns`)
  const expressions = parts.filter((part) => !PLAIN.test(part) && part !== EVERY_SERVICE).map(compile)
  if (parts.includes(EVERY_SERVICE)) return () => true
  const names = new Set(parts)
  if (expressions.length === 0) return (service) => names.has(service)

  return perService((service) => names.has(service) || expressions.some((fits) => fits(service)))
}

/** What is wrong with a list, for whoever checks a configuration; undefined when it can be read. */
export function servicePatternFault(patterns: string): string | undefined {
  try {
    matchesService(patterns)
    return undefined
  } catch (error) {
    if (error instanceof ServicePatternError) return error.message
    throw error
  }
}

function compile(part: string): (service: string) => boolean {
  const { RE2JS } = require('re2js') as typeof import('re2js')
  try {
    const expression = RE2JS.compile(part)
    return (service) => expression.testExact(service)
  } catch (error) {
    throw new ServicePatternError(part, error instanceof Error ? error.message : 'it can’t be read')
  }
}
