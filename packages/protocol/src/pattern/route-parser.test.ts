import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeSegments, matchPattern } from './match.ts'
import { MAX_COMBINATIONS } from './parts.ts'
import { translate } from './translate.ts'

/** The parser hydra services and routers use themselves. */
const Route = createRequire(import.meta.url)('route-parser') as new (
  pattern: string,
) => { match(path: string): object | false }

function fits(pattern: string, path: string): boolean {
  const segments = decodeSegments(path)!
  return translate('route-parser', pattern).patterns.some((each) => matchPattern(each, segments))
}

const word = fc.constantFrom('a', 'b', 'c', 'v1', 'a-b', 'x_y', 'é', 'a+b', 'a.b', '~')
/** As a service writes it: encoded, since the original compares with the encoded path. */
const literal = word.map(encodeURIComponent)
const parameter = fc.constantFrom(':id', ':a', '::b', ':x_1')
const segment = fc.oneof(
  { weight: 3, arbitrary: literal },
  { weight: 2, arbitrary: parameter },
  { weight: 1, arbitrary: fc.tuple(literal, parameter).map(([before, name]) => `${before}${name}`) },
  { weight: 1, arbitrary: parameter.map((name) => `${name}.json`) },
  { weight: 1, arbitrary: fc.constant('') },
)

/** A group that may be missing: whole segments, or an ending of one. */
const group = fc.letrec<{ group: string; body: string }>((tie) => ({
  group: tie('body').map((body) => `(${body})`),
  body: fc.oneof(
    { maxDepth: 2 },
    segment.map((text) => `/${text}`),
    fc.tuple(segment, tie('group')).map(([text, inner]) => `/${text}${inner}`),
  ),
}))

/** Patterns both mean the same by: a splat only at the end, nothing of Express. */
const pattern = fc
  .tuple(
    segment,
    fc.array(
      fc.oneof(
        segment.map((text) => `/${text}`),
        group.group,
      ),
      { maxLength: 3 },
    ),
    fc.constantFrom('', '', '/*rest', '*rest', '(/*rest)', '/', '(/)', '(.json)'),
  )
  .map(([first, more, last]) => `/${first}${more.join('')}${last}`)
  // A splat in the segment of a parameter is what our patterns can't say.
  .filter((text) => !/:.*[^/]\*rest$/.test(text))

const path = fc
  .array(fc.oneof(literal, fc.constantFrom('', 'a.json', '7', '%2e', 'b%2Fc')), {
    minLength: 1,
    maxLength: 6,
  })
  .map((segments) => `/${segments.join('/')}`)

/** How many ways there are to keep and drop groups: at most as many as there are subsets of them. */
function combinations(text: string): number {
  return 2 ** text.split('(').length / 2
}

/** A path the pattern may well fit: parameters filled in, groups kept or dropped. */
function filled(text: string, choices: readonly number[]): string {
  let at = 0
  const choose = () => choices[at++ % choices.length]!
  let plain = text
  while (/\([^()]*\)/.test(plain))
    plain = plain.replace(/\(([^()]*)\)/, (_, body: string) => (choose() % 2 ? body : ''))
  return plain
    .replace(/\*+\w+/g, () => ['', 'x', 'x/y', '/'][choose() % 4]!)
    .replace(/:+\w+/g, () => ['7', 'a.b', '%C3%A9', 'v1'][choose() % 4]!)
}

test('a path a hydra service registered fits what it fits in the original', () => {
  let fitting = 0
  fc.assert(
    fc.property(
      pattern,
      path,
      fc.array(fc.nat(11), { minLength: 8, maxLength: 8 }),
      (declared, any, choices) => {
        if (combinations(declared) > MAX_COMBINATIONS) return
        for (const asked of [any, filled(declared, choices)]) {
          if (!asked.startsWith('/')) continue
          const expected = new Route(declared).match(asked) !== false
          if (expected) fitting++
          // One segment with several parameters is one parameter to the gateway: it takes a little more.
          if (!expected && translate('route-parser', declared).warnings.length > 0) continue
          assert.equal(fits(declared, asked), expected, `${declared} and ${asked}`)
        }
      },
    ),
    { numRuns: 5000 },
  )
  assert.ok(fitting > 2000, `only ${fitting} paths fitted anything`)
})

test('case and a slash at the end matter, as in the original', () => {
  for (const [declared, asked] of [
    ['/v1/Orders', '/v1/orders'],
    ['/v1/orders', '/v1/orders/'],
    ['/v1/orders/', '/v1/orders'],
    ['/v1/orders/:id', '/v1/orders/'],
  ] as const) {
    assert.equal(new Route(declared).match(asked), false)
    assert.equal(fits(declared, asked), false)
  }
})

test('a pattern that stopped the original from loading any routes is refused alone, or understood', () => {
  for (const broken of ['/a(', '/a)', '/a()']) {
    assert.throws(() => new Route(broken))
    assert.throws(() => translate('route-parser', broken), /can't be routed/)
  }
  assert.throws(() => new Route('*').match('/a'))
  assert.equal(fits('*', '/a/b'), true)
})

test('a path with a broken escape, which the original never answered, fits nothing', () => {
  assert.throws(() => new Route('/v1/:id').match('/v1/%zz'), URIError)
  assert.equal(decodeSegments('/v1/%zz'), undefined)
})
