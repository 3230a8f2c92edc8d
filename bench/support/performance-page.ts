/**
 * The figures inside `docs/performance.md`, between two comments. The rest of the page is written by people.
 *
 * @module
 */
import { type Facts, formatFacts } from './facts.ts'
import { countTargets, markdownPart, type Part } from './part.ts'

const BEGIN = '<!-- figures: written by bench/core.ts, from here -->'
const END = '<!-- figures: to here -->'

/** The page with the figures of this run; throws when the page has no place for them. */
export function replaceFigures(
  page: string,
  { facts, parts }: { facts: Facts; parts: readonly Part[] },
): string {
  const begin = page.indexOf(BEGIN)
  const end = page.indexOf(END)
  if (begin < 0 || end < begin) throw new Error(`the page needs the lines ${BEGIN} and ${END}`)
  const { met, all } = countTargets(parts)
  const figures = [
    `Measured on ${facts.date} UTC. ${met} of ${all} targets met.`,
    formatFacts(facts)
      .filter(([name]) => name !== 'date')
      .map(([name, value]) => `- ${name}: ${value}`)
      .join('\n'),
    ...parts.map(markdownPart),
  ]
  return `${page.slice(0, begin + BEGIN.length)}\n\n${figures.join('\n\n')}\n\n${page.slice(end)}`
}
