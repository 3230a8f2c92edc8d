/**
 * Paths of Fastify (find-my-way) and Hono in our pattern form.
 *
 * Both are close to it, and close to each other, but differ in what a star means. A constraint becomes a
 * character class where there is one for it; any other one is dropped with a warning, which makes the route
 * wider: the framework still checks it.
 *
 * @module
 */
import type { CharacterClass } from '@hydra-gateway/protocol'

export interface FrameworkPath {
  readonly path: string
  readonly warning?: string
}

/** `/orders/:id(^\\d+$)` → `/orders/{id:digits}`, `/files/*` → `/files/{rest+}`, `/a/:b?` → `/a/{b?}`. */
export function fromFastify(path: string): FrameworkPath {
  let warning: string | undefined
  const segments = splitOutside(path, '(', ')').map((segment) => {
    if (segment === '*') return '{rest+}'
    // find-my-way writes a literal colon as two.
    const parts = segment.split(/(::|:[\w$]+(?:\((?:[^()\\]|\\.|\([^()]*\))*\))?\??)/)
    const parameters = parts.filter(isParameter)
    if (parameters.length === 0) return parts.map((part) => (part === '::' ? ':' : part)).join('')
    if (parameters.length > 1) {
      warning = `${path}: several parameters between two slashes are matched as one`
      return `{${parameters.map((part) => /\w+/.exec(part)?.[0]).join('_')}}`
    }
    return parts
      .map((part) => {
        if (part === '::') return ':'
        if (!isParameter(part)) return part
        const [, name, constraint, optional] = /^:([\w$]+)(?:\((.*)\))?(\?)?$/.exec(part) ?? []
        const characters = constraint === undefined ? undefined : classOf(constraint)
        if (constraint !== undefined && !characters) warning = unknownConstraint(path, constraint)
        return `{${name}${characters ? `:${characters}` : ''}${optional ?? ''}}`
      })
      .join('')
  })
  return withWarning(segments.join('/'), warning)
}

/** `/orders/:id{[0-9]+}` → `/orders/{id:digits}`, `/files/*` → `/files/**`, `/a/:b?` → `/a/{b?}`. */
export function fromHono(path: string): FrameworkPath {
  let warning: string | undefined
  const segments = splitOutside(path, '{', '}')
  const ours = segments.map((segment, index) => {
    const isLast = index === segments.length - 1
    if (segment === '*') return isLast ? '**' : '*'
    const [, name, constraint, optional] = /^:([^{}?]+)(?:\{(.+)\})?(\?)?$/.exec(segment) ?? []
    if (name === undefined) return segment
    // A constraint such as .+ takes slashes too.
    if (isLast && constraint !== undefined && /^\.[+*]$/.test(constraint)) return `{${name}+}`
    const characters = constraint === undefined ? undefined : classOf(constraint)
    if (constraint !== undefined && !characters) warning = unknownConstraint(path, constraint)
    return `{${name.replace(/\W/g, '_')}${characters ? `:${characters}` : ''}${optional ?? ''}}`
  })
  return withWarning(ours.join('/'), warning)
}

const CLASSES: readonly (readonly [RegExp, CharacterClass])[] = [
  [/^(\\d|\[0-9\]|\[\\d\])\+$/, 'digits'],
  [/^(\\w|\[\\w\]|\[A-Za-z0-9_\]|\[a-zA-Z0-9_\])\+$/, 'word'],
  [/^(\[0-9a-f\]|\[a-f0-9\]|\[0-9a-fA-F\]|\[a-fA-F0-9\])\+$/, 'hex'],
  [/^(\[a-zA-Z0-9\]|\[A-Za-z0-9\]|\[0-9a-zA-Z\]|\[0-9A-Za-z\])\+$/, 'alphanumeric'],
]

function classOf(constraint: string): CharacterClass | undefined {
  const bare = constraint.replace(/^\^/, '').replace(/\$$/, '')
  return CLASSES.find(([form]) => form.test(bare))?.[1]
}

function isParameter(part: string): boolean {
  return part.startsWith(':') && part !== '::'
}

function unknownConstraint(path: string, constraint: string): string {
  return `${path}: the constraint ${constraint} is left to the service; at the gateway the parameter takes any text`
}

/** Splits at slashes that don't stand inside a constraint. */
function splitOutside(path: string, open: string, close: string): string[] {
  const segments = ['']
  let depth = 0
  for (const character of path) {
    if (character === open) depth++
    else if (character === close) depth--
    if (character === '/' && depth === 0) segments.push('')
    else segments[segments.length - 1] += character
  }
  return segments
}

function withWarning(path: string, warning: string | undefined): FrameworkPath {
  return warning === undefined ? { path } : { path, warning }
}
