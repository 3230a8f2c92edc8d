/**
 * Constraints: the regular expressions services write beside a parameter, read but never run.
 *
 * One character class with a repetition is understood when it is one of ours. Everything else becomes a plain
 * parameter: the gateway then sends a little more to the service, which checks it as it always did.
 *
 * @module
 */

import { isOfClass } from './match.ts'
import { CHARACTER_CLASSES, type CharacterClass, shorten } from './pattern.ts'

export interface Constraint {
  readonly characters?: CharacterClass
  /** What is not checked here; absent when nothing is lost. */
  readonly warning?: string
  /** True for `.*` and `.+`, which in some dialects also take slashes. */
  readonly isAnything: boolean
}

/** Reads a constraint in time linear in its length. */
export function readConstraint(expression: string): Constraint {
  const shown = shorten(expression, 60)
  const plain: Constraint = { isAnything: false, warning: `the constraint ${shown} is left to the service` }
  const parts = /^\^?(\.|\\\\?[dw]|\[(?:[^\\\]]|\\.){1,120}\])([+*]|\{\d{1,6}(?:,\d{0,6})?\})?\??\$?$/su.exec(
    expression,
  )
  if (!parts) return plain
  const atom = parts[1]!.replace('\\\\', '\\')
  const repetition = parts[2]
  if (atom === '.' || atom === '[^/]' || atom === '[^\\/]') {
    if (repetition === '+' || repetition === '*') return { isAnything: atom === '.' }
    return plain
  }
  const characters = classOf(atom)
  if (characters === undefined) return plain
  const isExact = repetition === '+' && !isHalfHex(atom)
  return {
    characters,
    isAnything: false,
    ...(isExact ? {} : { warning: `of the constraint ${shown} only ${characters} is checked` }),
  }
}

const HALF_HEX: ReadonlySet<string> = new Set([
  '[0-9a-f]',
  '[a-f0-9]',
  '[0-9A-F]',
  '[A-F0-9]',
  '[\\da-f]',
  '[a-f\\d]',
])

function isHalfHex(atom: string): boolean {
  return HALF_HEX.has(atom)
}

function classOf(atom: string): CharacterClass | undefined {
  if (atom === '\\d') return 'digits'
  if (atom === '\\w') return 'word'
  if (isHalfHex(atom)) return 'hex'
  const members = membersOf(atom.slice(1, -1))
  return members === undefined ? undefined : CHARACTER_CLASSES.find((name) => CLASS_TEXT[name] === members)
}

const ASCII = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code))
const CLASS_TEXT = Object.fromEntries(
  CHARACTER_CLASSES.map((name) => [
    name,
    ASCII.filter((character) => isOfClass(name, character, 0, 1)).join(''),
  ]),
) as Record<CharacterClass, string>

/** Services write the same few constraints over and over; what strangers write is forgotten when it gets much. */
const known = new Map<string, string | undefined>()
const MOST_KNOWN = 64

function membersOf(body: string): string | undefined {
  if (!known.has(body)) {
    if (known.size >= MOST_KNOWN) known.clear()
    known.set(body, readMembers(body))
  }
  return known.get(body)
}

/** The ASCII characters of what stands between brackets, in order; undefined when it is anything but simple. */
function readMembers(body: string): string | undefined {
  const members = new Set<string>()
  for (let at = 0; at < body.length; at++) {
    if (body[at] === '\\') {
      const shorthand = body[at + 1] === 'd' ? 'digits' : body[at + 1] === 'w' ? 'word' : undefined
      if (!shorthand) return undefined
      for (const character of CLASS_TEXT[shorthand]) members.add(character)
      at++
    } else if (body[at + 1] === '-' && at + 2 < body.length) {
      const from = body.charCodeAt(at)
      const to = body.charCodeAt(at + 2)
      if (to > 127 || from > to) return undefined
      for (const character of ASCII.slice(from, to + 1)) members.add(character)
      at += 2
    } else if (body[at] === '^' || body.charCodeAt(at) > 127) return undefined
    else members.add(body[at]!)
  }
  return [...members].sort().join('')
}
