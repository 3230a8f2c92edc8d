import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

const css = readFileSync(new URL('../../assets/tokens.css', import.meta.url), 'utf8')
const [light, dark] = css.split('@media (prefers-color-scheme: dark)') as [string, string]
const colours = (text: string): Record<string, string> =>
  Object.fromEntries(
    [...text.matchAll(/--hy-([\w-]+):\s*(#[0-9a-f]{6})/g)].map(([, name, value]) => [name, value]),
  )
const THEMES = { light: colours(light), dark: { ...colours(light), ...colours(dark) } }

const STATES = ['available', 'degraded', 'down', 'draining', 'recovering', 'unknown']
const GROUNDS = ['paper', 'surface', 'sunken']
const WASHES = [...STATES, 'tide'].map((name) => `${name}-wash`)
const PAIRS: (readonly [text: string, ground: string, least: number])[] = [
  ...['ink', 'ink-soft', 'tide', ...STATES].flatMap((text) =>
    GROUNDS.map((ground) => [text, ground, 4.5] as const),
  ),
  ...WASHES.flatMap(
    (wash) =>
      [
        ['ink', wash, 7],
        ['ink-soft', wash, 4.5],
        [wash.slice(0, -5), wash, 4.5],
      ] as const,
  ),
  ['on-ink', 'ink', 7],
  ['on-ink', 'tide', 4.5],
  ...GROUNDS.map((ground) => ['edge', ground, 3] as const),
  ...[1, 2, 3, 4, 5, 6, 'rest'].flatMap((data) =>
    ['paper', 'surface'].map((ground) => [`data-${data}`, ground, 3] as const),
  ),
]

/** WCAG 2.2, relative luminance. */
function luminance(hex: string): number {
  const [red, green, blue] = [1, 3, 5]
    .map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)) as [
    number,
    number,
    number,
  ]
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

for (const [theme, tokens] of Object.entries(THEMES)) {
  test(`every colour can be read on its ground in the ${theme} theme`, () => {
    for (const [text, ground, least] of PAIRS) {
      const [low, high] = [text, ground]
        .map((name) => luminance(tokens[name] as string))
        .sort((a, b) => a - b) as [number, number]
      const contrast = (high + 0.05) / (low + 0.05)
      assert.ok(contrast >= least, `${text} on ${ground} is ${contrast.toFixed(2)}, needs ${least}`)
    }
  })
}
