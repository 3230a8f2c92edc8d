/**
 * What the readers of foreign dialects have in common: finding the end of a name or a bracket, and decoding.
 *
 * @module
 */
import { readConstraint } from './constraint.ts'
import { type Part, partName } from './parts.ts'
import { PatternError } from './pattern.ts'

const NAME = /[\p{ID_Continue}$]*/uy

/** End of the identifier that begins at `from`; `from` itself when there is none. */
export function nameEnd(path: string, from: number): number {
  NAME.lastIndex = from
  NAME.test(path)
  return NAME.lastIndex
}

/** Index of the bracket that closes the one at `from`. A backslash takes the meaning from what follows it. */
export function closing(path: string, from: number, open: string, close: string): number {
  let depth = 0
  for (let at = from; at < path.length; at++) {
    const character = path[at]
    if (character === '\\') at++
    else if (character === open) depth++
    else if (character === close && --depth === 0) return at
  }
  throw new PatternError(path, `a ${open} has no ${close}`)
}

/** A parameter with what its constraint, if any, allows us to check. */
export function constrained(name: string, expression: string | undefined, warnings: string[]): Part {
  if (expression === undefined) return { kind: 'parameter', name: partName(name) }
  const { characters, warning } = readConstraint(expression)
  if (warning !== undefined) warnings.push(warning)
  return { kind: 'parameter', name: partName(name), ...(characters === undefined ? {} : { characters }) }
}

/** Percent-decodes the text of dialects that write paths encoded; text with invalid escapes stays as it is. */
export function decodeText(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Adds the slash in front that a framework adds itself. */
export function withSlash(parts: readonly Part[]): readonly Part[] {
  const [first] = parts
  const begins = first?.kind === 'slash' || (first?.kind === 'optional' && first.parts[0]?.kind === 'slash')
  return begins ? parts : [{ kind: 'slash' }, ...parts]
}
