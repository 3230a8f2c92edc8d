/**
 * The page everybody composes: some 8 KB of HTML with four fragments of 1 KB, each tag written as its composer wants
 * it, and what it comes to.
 *
 * @module
 */

/** Ways to write a tag. */
export const DIALECTS = ['ssi', 'esi', 'tailor', 'hydra', 'podium'] as const
export type Dialect = (typeof DIALECTS)[number]

/** Fragments of the page, each of a service of its own: `part1` with `f1` and so on. */
export const PARTS = [1, 2, 3, 4] as const
export type Part = (typeof PARTS)[number]

/** Which one takes its time in the slow page, and how long. */
export const SLOW_PART: Part = 2
export const SLOW_MS = 200

/** Name of a fragment: its path at its service, its `ref`, its podlet. */
export function refOf(part: Part, isSlow = false): string {
  return isSlow && part === SLOW_PART ? `f${part}-slow` : `f${part}`
}

/** Where visitors find the page. */
export function pathOf(dialect: Dialect, isSlow = false): string {
  return isSlow ? `/${dialect}/slow` : `/${dialect}`
}

const WORDS = 'linen oak copper glass wool paper stone brass felt cork ash clay tin silk pine iron'.split(' ')

/** The same words in the same order, each time. */
function words(count: number, from: number): string {
  return Array.from({ length: count }, (_, i) => WORDS[(from * 7 + i * (1 + (from % 5))) % 16]).join(' ')
}

/** 1 KB as a service renders it: quotes, entities, a letter that isn't ASCII. */
export function fragmentHtml(part: Part): string {
  const items = Array.from(
    { length: 7 },
    (_, i) =>
      `<li class="item"><a href="/part${part}/${i}?ref=page&amp;at=${i}" title="No. ${i}">${words(7, part + i)}</a> <b>€ ${part}${i}.50</b></li>`,
  )
  return `<article class="part" data-part="${part}"><h2>${words(3, part)}</h2><ul>${items.join('')}</ul></article>`
}

/** The page without its fragments: before the first, between them, behind the last. */
const TEXTS: readonly string[] = ['<section class="shelf">', ...PARTS.map(() => '')].map((_, i) => {
  const rows = Array.from(
    { length: 9 },
    (_, row) =>
      `<div class="row" id="r${i}-${row}"><img src="/pictures/${i}-${row}.webp" alt="${words(2, i + row)}"><p>${words(12, i * 9 + row)}</p></div>\n`,
  ).join('')
  if (i === 0) return `${documentHead()}<body><main><h1>${words(4, 3)}</h1>\n${rows}<div class="hole">`
  const closing =
    i === PARTS.length ? '</main><footer>© the shop</footer></body></html>' : '<div class="hole">'
  return `</div>\n${rows}${closing}`
})

function documentHead(): string {
  const styles = ['base', 'grid', 'type', 'shop'].map(
    (name) => `<link rel="stylesheet" href="/static/${name}.0123456789abcdef.css">`,
  )
  return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>${words(5, 2)}</title><meta name="description" content="${words(30, 1)}">${styles.join('')}<style>.row{display:grid;grid-template-columns:6rem 1fr;gap:1rem}.hole{min-height:4rem}</style></head>`
}

export const HEAD_CLOSES = '</head>'

function joined(put: (part: Part) => string): string {
  return TEXTS.map((text, i) => (i < PARTS.length ? text + put(PARTS[i]!) : text)).join('')
}

/** The page with tags. @param ports of the services of the fragments */
export function pageIn(
  dialect: Exclude<Dialect, 'podium'>,
  isSlow: boolean,
  ports: readonly number[],
): string {
  return joined((part) => {
    const ref = refOf(part, isSlow)
    switch (dialect) {
      case 'ssi':
        return `<!--# include virtual="/${ref}" -->`
      case 'esi':
        return `<esi:include src="/${ref}"/>`
      case 'tailor':
        // Its answer is what the page's head waits for; without such a one it waits for all.
        return `<fragment${part === 1 ? ' primary' : ''} src="http://127.0.0.1:${ports[part - 1]}/${ref}"></fragment>`
      case 'hydra':
        return `<m:fragment service="part${part}" ref="${ref}"><p class="note">This part is away for a moment.</p></m:fragment>`
    }
  })
}

/** The page with these fragments in it, as a template does it. */
export function pageWith(fragments: readonly { toString(): string }[]): string {
  return joined((part) => fragments[part - 1]!.toString())
}

/** What visitors get, byte by byte. Tailor says where its fragments stand. */
export function expectedPage(dialect: Dialect): string {
  return joined((part) => {
    const html = fragmentHtml(part)
    if (dialect !== 'tailor') return html
    return `<!-- Fragment #${part - 1} START -->${html}<!-- Fragment #${part - 1} END -->`
  })
}
