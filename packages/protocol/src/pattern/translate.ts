/**
 * Translation of a declared path, in whatever dialect it was written, into patterns.
 *
 * @module
 */
import type { Dialect } from '../registration.ts'
import { readExpress } from './express.ts'
import { assemble, checkLength, type Part } from './parts.ts'
import { literalPattern, type Translation } from './pattern.ts'
import { readRouteParser } from './route-parser.ts'
import { readSpring } from './spring.ts'
import { parsePattern } from './text.ts'
import { readUrlPattern } from './urlpattern.ts'

const READERS = {
  spring: readSpring,
  express: readExpress,
  urlpattern: readUrlPattern,
  'route-parser': readRouteParser,
} as const satisfies Record<Exclude<Dialect, 'hydra'>, (path: string, warnings: string[]) => readonly Part[]>

/** Letters and digits between slashes mean the same in every dialect; at 128 characters no limit is near. */
const ORDINARY = /^(?=.{1,128}$)(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*\/?$/

/**
 * Patterns a path stands for. Paths without a slash at the front get one, as their own frameworks do it,
 * except in our own form. Nothing is ever run: hostile text costs time linear in its length.
 *
 * @throws PatternError when the path can't be expressed; the message says why
 */
export function translate(dialect: Dialect, path: string): Translation {
  if (ORDINARY.test(path)) return { patterns: [literalPattern(path)], warnings: [] }
  if (dialect === 'hydra') return parsePattern(path)
  checkLength(path)
  const warnings: string[] = []
  const parts = READERS[dialect](path, warnings)
  return assemble(path, parts, warnings)
}
