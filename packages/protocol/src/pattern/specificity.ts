/**
 * Specificity: which of two patterns is asked first when both fit a path.
 *
 * Decided by the first segment in which they differ, from the left: literal, then parameter, then wildcard,
 * then the end of the pattern, then splat. So a longer pattern comes before the shorter one it continues.
 * Among parameters, more fixed text beside it wins, then the narrower character class, then more text before it.
 *
 * @module
 */
import { type CHARACTER_CLASSES, type Pattern, type Segment, segmentText } from './pattern.ts'

type Parameter = Extract<Segment, { kind: 'parameter' }>

/** Characters in each class: fewer is narrower. */
const SIZE = { digits: 10, hex: 22, alphanumeric: 62, word: 63 } as const satisfies Record<
  (typeof CHARACTER_CLASSES)[number],
  number
>

/** A parameter without a class: more than any class has, and finite, so that two of them compare as equal. */
const ANY_SIZE = 0x10ffff

/** Sorts the more specific pattern first; 0 only for patterns of one shape. */
export function compareSpecificity(a: Pattern, b: Pattern): number {
  if (a.shape === b.shape) return 0
  const left = a.segments
  const right = b.segments
  for (let index = 0; ; index++) {
    const mine = left[index]
    const other = right[index]
    const difference = rank(mine) - rank(other)
    if (difference !== 0) return difference
    if (mine === undefined || other === undefined) return 0
    const finer = compareSegments(mine, other)
    if (finer !== 0) return finer
  }
}

/**
 * Sorts the more specific of two parameters first, by their form: how much text stands before and after, and
 * which characters they take. Two parameters of one form that differ never fit the same segment.
 */
export function compareParameterForms(a: Parameter, b: Parameter): number {
  return (
    fixedText(b) - fixedText(a) ||
    classSize(a) - classSize(b) ||
    (b.before?.length ?? 0) - (a.before?.length ?? 0)
  )
}

function compareParameters(a: Parameter, b: Parameter): number {
  return compareParameterForms(a, b) || byText(segmentText(a, false), segmentText(b, false))
}

function compareSegments(a: Segment, b: Segment): number {
  if (a.kind === 'parameter' && b.kind === 'parameter') return compareParameters(a, b)
  if (a.kind === 'literal' && b.kind === 'literal') return byText(a.text, b.text)
  return 0
}

function rank(segment: Segment | undefined): number {
  switch (segment?.kind) {
    case 'literal':
      return 0
    case 'parameter':
      return 1
    case 'wildcard':
      return 2
    case undefined:
      return 3
    case 'splat':
      return segment.least === 1 ? 4 : 5
  }
}

function fixedText({ before, after }: Parameter): number {
  return (before?.length ?? 0) + (after?.length ?? 0)
}

function classSize({ characters }: Parameter): number {
  return characters ? SIZE[characters] : ANY_SIZE
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
