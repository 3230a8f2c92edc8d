/**
 * The figures inside `docs/performance.md` and `docs/reliability.md`, between comments; each bench has its own place. The
 * rest of the page is written by people.
 *
 * @module
 */
import { type Facts, formatFacts } from './facts.ts'
import { countTargets, markdownPart, type Part } from './part.ts'

/** Whose figures: of `bench/core.ts`, or of the `main.ts` in a folder of the bench. */
export type Place =
  | 'figures'
  | 'proxies'
  | 'pages'
  | 'live'
  | 'menus'
  | 'faults'
  | 'capacity'
  | 'messages'
  | 'message-faults'

const WRITERS: Readonly<Record<Place, string>> = {
  figures: 'bench/core.ts',
  proxies: 'bench/proxy/main.ts',
  pages: 'bench/fragments/main.ts',
  live: 'bench/live/main.ts',
  menus: 'bench/menus/main.ts',
  faults: 'bench/faults/main.ts',
  capacity: 'bench/capacity/main.ts',
  messages: 'bench/messages/main.ts',
  'message-faults': 'bench/message-faults/main.ts',
}

export interface Figures {
  readonly facts: Facts
  readonly parts: readonly Part[]
  /** What else a reader has to know of this run. */
  readonly remarks?: readonly string[]
}

/** The page with the figures of this run; throws when the page has no place for them. */
export function replaceFigures(page: string, place: Place, { facts, parts, remarks = [] }: Figures): string {
  const from = `<!-- ${place}: written by ${WRITERS[place]}, from here -->`
  const to = `<!-- ${place}: to here -->`
  const begin = page.indexOf(from)
  const end = page.indexOf(to)
  if (begin < 0 || end < begin) throw new Error(`the page needs the lines ${from} and ${to}`)
  const { met, all } = countTargets(parts)
  const figures = [
    `Measured on ${facts.date} UTC.${all > 0 ? ` ${met} of ${all} targets met.` : ''}`,
    [
      ...formatFacts(facts)
        .filter(([name]) => name !== 'date')
        .map(([name, value]) => `- ${name}: ${value}`),
      ...remarks.map((remark) => `- ${remark}`),
    ].join('\n'),
    ...parts.map(markdownPart),
  ]
  return `${page.slice(0, begin + from.length)}\n\n${figures.join('\n\n')}\n\n${page.slice(end)}`
}
