/**
 * Routes a service did not declare, so that what it closed is closed in every case.
 *
 * To the table `/Admin` and `/admin` are two paths; to many servers they are one (Express, as it comes). Where a service
 * closes the first, and opens a wider route that takes the second, a request for the second would get what the first
 * protects. So the small form is a route of its own: served as the wider one says, for those the closed one is for.
 *
 * Spellings that mix both are read as the small one by the guard (`identity/other-reading.ts`).
 *
 * @module
 */
import { matchPattern, type Pattern, patternOf, type Segment } from '@hydra-gateway/protocol'
import type { RouteSpec } from './route.ts'

export function foldedRoutes(routes: readonly RouteSpec[]): readonly RouteSpec[] {
  const closed = routes.filter(({ auth, pattern }) => auth === 'required' && hasCapitals(pattern))
  if (closed.length === 0) return []
  const open = routes.filter(({ auth, pattern }) => auth !== 'required' && !isLiteral(pattern))
  if (open.length === 0) return []
  const declared = new Set(routes.map(placeOf))
  const folded: RouteSpec[] = []
  for (const spec of closed) {
    const pattern = foldedPattern(spec.pattern)
    const { kind, host, methods, auth, roles, providers } = spec
    if (declared.has(placeOf({ ...spec, pattern }))) continue
    const samples = samplesOf(pattern)
    const wider = open.find(
      (one) =>
        (one.kind === 'socket') === (kind === 'socket') &&
        (one.host === undefined || one.host === host) &&
        samples.some((segments) => matchPattern(one.pattern, segments)),
    )
    if (wider === undefined) continue
    folded.push({
      ...wider,
      pattern,
      ...(host === undefined ? {} : { host }),
      ...(methods === undefined ? {} : { methods }),
      ...{ auth: auth!, ...(roles && { roles }), ...(providers && { providers }) },
    })
  }
  return folded
}

/** A pattern as it is for whom case means nothing. */
export function foldedPattern({ segments }: Pattern): Pattern {
  return patternOf(segments.map(folded))
}

function folded(segment: Segment): Segment {
  if (segment.kind === 'literal') return { ...segment, text: segment.text.toLowerCase() }
  if (segment.kind !== 'parameter') return segment
  const { before, after } = segment
  return {
    ...segment,
    ...(before === undefined ? {} : { before: before.toLowerCase() }),
    ...(after === undefined ? {} : { after: after.toLowerCase() }),
  }
}

function hasCapitals(pattern: Pattern): boolean {
  return foldedPattern(pattern).shape !== pattern.shape
}

function isLiteral({ segments }: Pattern): boolean {
  return segments.every(({ kind }) => kind === 'literal')
}

function placeOf({ pattern, host = '', kind, methods }: RouteSpec): string {
  return JSON.stringify([pattern.shape, host, kind === 'socket', methods])
}

/** Paths the pattern fits, in segments: the shortest, and below a splat one more. */
function samplesOf({ segments }: Pattern): readonly (readonly string[])[] {
  const texts: string[] = []
  for (const segment of segments) {
    if (segment.kind === 'splat') return [texts, [...texts, ANY]]
    texts.push(textOf(segment))
  }
  return [texts]
}

/** Of every class of characters. */
const ANY = '0'

function textOf(segment: Exclude<Segment, { kind: 'splat' }>): string {
  if (segment.kind === 'literal') return segment.text
  if (segment.kind === 'wildcard') return ANY
  return `${segment.before ?? ''}${ANY}${segment.after ?? ''}`
}
