/**
 * Sign-in providers that a service asks for and nobody set up: a slip of the pen, mostly, by which nobody gets in.
 *
 * @module
 */
import { nearest } from '@hydra-gateway/protocol'
import type { Access } from '../routing/route.ts'

/** Named in one sentence. */
const MOST_NAMED = 5

/** A sentence about those that are not set up; undefined when all are. `asked`: whom the parts of the service are for. */
export function unknownProviders(
  service: string,
  asked: Iterable<Pick<Access, 'providers'>>,
  known: readonly string[],
): string | undefined {
  const unknown = new Set<string>()
  for (const { providers = [] } of asked)
    for (const one of providers) if (!known.includes(one)) unknown.add(one)
  if (unknown.size === 0) return undefined
  const names = [...unknown].sort().slice(0, MOST_NAMED)
  const more = unknown.size > names.length ? ` and ${unknown.size - names.length} more` : ''
  const [first = ''] = names
  const meant = unknown.size === 1 ? nearest(first, known) : undefined
  const which = meant === undefined ? `there is ${known.join(', ')}` : `did you mean ${quoted(meant)}?`
  return `${service} asks for sign-in providers that are not set up: ${names.map(quoted).join(', ')}${more}; ${which}`
}

const quoted = (name: string) => JSON.stringify(name.length > 64 ? `${name.slice(0, 64)}…` : name)
