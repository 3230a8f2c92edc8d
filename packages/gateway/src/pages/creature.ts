/**
 * The creature on our pages, and the shapes they share. Decorative: the words beside it say the same.
 *
 * @module
 */
import { html, type Markup, trusted } from './html.ts'

/** What the creature tells: nothing to do yet, looking for it, cut and growing, unreadable, slow, listening, watching a form. */
export type Pose = 'budding' | 'searching' | 'growing' | 'unreadable' | 'asleep' | 'listening' | 'watching'

const NECK_5 = 'M232 216C244 172 290 184 291 110'
const HEAD_OUTLINE = 'M-12-16h22a16 16 0 0 1 0 32h-22a16 16 0 0 1 0-32z'

function necks(...paths: readonly string[]): string {
  return `<path class="neck" d="${paths.join('')}"/>`
}

function head(x: number, y: number, turn: number, mirrored = false): string {
  const mirror = mirrored ? ' scale(-1 1)' : ''
  return `<use href="#head" x="-30" y="-20" width="60" height="40" transform="translate(${x} ${y}) rotate(${turn})${mirror}"/>`
}

const FOUR_NECKS =
  'M172 232C138 198 76 226 72 162M190 216C180 166 138 172 140 98M211 214C212 160 216 120 213 54M250 232C284 204 346 238 351 180'
const FOUR_WATCHING = head(74, 152, -8) + head(144, 88, 6) + head(216, 46, 22) + head(348, 170, 14, true)

/** A head with an eye that can be closed: `.shut` shows the lid. */
function watchingHead(x: number, y: number, turn: number): string {
  const eye =
    '<g class="shut"><circle cx="11" cy="-4" r="5.6" fill="currentColor"/><path class="lid" d="M6-3q5 4 10 0"/></g>'
  return `<g transform="translate(${x} ${y}) rotate(${turn}) scale(-1 1)"><use href="#head" x="-30" y="-20" width="60" height="40"/>${eye}</g>`
}

const POSES: Readonly<Record<Pose, string>> = {
  budding: `<g class="grows" fill="none" stroke="currentColor" stroke-width="4">${necks('M190 208C180 158 136 170 138 112M212 202C214 150 216 116 214 82M234 210C246 168 290 184 290 136')}<circle class="bud" cx="138" cy="82" r="20"/><circle class="bud" cx="214" cy="52" r="20"/><circle class="bud" cx="290" cy="106" r="20"/></g>`,
  searching: `${necks(FOUR_NECKS, NECK_5)}${head(68, 154, 8, true)}${head(138, 90, -14, true)}${head(216, 46, -10)}${head(294, 102, 6)}${head(356, 172, 24)}<circle cx="394" cy="262" r="17" fill="none" stroke="var(--hy-unknown)" stroke-width="4" stroke-linecap="round" stroke-dasharray="0 10.68"/>`,
  growing: `${necks(FOUR_NECKS)}<path class="neck cut" data-show="waiting long" d="M232 220C236 204 245 195 255 187"/>${FOUR_WATCHING}<g class="grows" data-show="waiting long">${necks('M268 176C282 164 290 152 290 134')}<circle class="bud" cx="290" cy="104" r="20" fill="none" stroke="currentColor" stroke-width="4"/></g><g class="new" data-show="back">${necks(NECK_5)}${head(292, 102, 10, true)}</g>`,
  unreadable: `${necks(FOUR_NECKS, 'M232 216C244 172 290 188 291 132')}${FOUR_WATCHING}<path transform="translate(292 102) rotate(10) scale(-1 1)" d="${HEAD_OUTLINE}" fill="none" stroke="var(--hy-unknown)" stroke-width="4" stroke-linecap="round" stroke-dasharray="0 9.63"/>`,
  asleep: `${necks(FOUR_NECKS, NECK_5)}${FOUR_WATCHING}<path transform="translate(294 110) rotate(-24) scale(-1 1)" fill="currentColor" d="${HEAD_OUTLINE}"/><path class="lid" transform="translate(294 110) rotate(-24) scale(-1 1)" d="M4-5a7 6 0 0 0 14 0"/>`,
  watching: `${necks(FOUR_NECKS, NECK_5)}${watchingHead(68, 154, -6)}${watchingHead(136, 90, -12)}${watchingHead(209, 46, -16)}${watchingHead(287, 102, -8)}${watchingHead(347, 172, 4)}`,
  listening: `${necks(FOUR_NECKS, NECK_5)}${FOUR_WATCHING}${head(292, 102, 10, true)}`,
}

const BODY =
  '<path fill="currentColor" fill-rule="evenodd" d="M146 330v-56a64 64 0 0 1 128 0v56zM188 330v-42a22 22 0 0 1 44 0v42z"/>'

/** The creature, standing on the ground line. */
export function creature(pose: Pose): Markup {
  return html`<div class="creature" aria-hidden="true"><svg viewBox="0 0 420 330">${trusted(POSES[pose] + BODY)}</svg></div>`
}

/** A state's shape. */
export function shape(state: 'available' | 'degraded' | 'down' | 'recovering'): Markup {
  return html`<svg aria-hidden="true"><use href="#s-${state}"/></svg>`
}

const SYMBOLS: Readonly<Record<string, readonly [viewBox: string, drawing: string]>> = {
  mark: [
    '0 0 64 64',
    '<path fill="none" stroke="currentColor" stroke-width="6.5" d="M32 46C32 34 29 30 29 16M26 50C23 39 10 46 10 31M38 50C41 41 54 47 54 38"/><path fill="currentColor" fill-rule="evenodd" d="M16 64v-8a16 16 0 0 1 32 0v8zM27.5 64v-6.5a4.5 4.5 0 0 1 9 0V64zM29.5 3.5h7a6.75 6.75 0 0 1 0 13.5h-7a6.75 6.75 0 0 1 0-13.5zM37 6.8a2.2 2.2 0 1 0 0 4.4a2.2 2.2 0 1 0 0-4.4zM8 21h4.5a6.75 6.75 0 0 1 0 13.5H8A6.75 6.75 0 0 1 8 21zM7.5 24.3a2.2 2.2 0 1 0 0 4.4a2.2 2.2 0 1 0 0-4.4zM51.5 28H56a6.75 6.75 0 0 1 0 13.5h-4.5a6.75 6.75 0 0 1 0-13.5zM56.5 31.3a2.2 2.2 0 1 0 0 4.4a2.2 2.2 0 1 0 0-4.4z"/>',
  ],
  head: [
    '-30 -20 60 40',
    `<path fill="currentColor" fill-rule="evenodd" d="${HEAD_OUTLINE}M11-9a5 5 0 1 0 0 10a5 5 0 1 0 0-10z"/>`,
  ],
  's-recovering': [
    '0 0 12 12',
    '<circle cx="6" cy="6" r="4.9" fill="none" stroke="currentColor" stroke-width="1.6" stroke-dasharray="2.6 2.53"/><circle cx="6" cy="6" r="2" fill="currentColor"/>',
  ],
  's-degraded': [
    '0 0 12 12',
    '<path d="M6 .8 11.6 11H.4z" fill="currentColor" stroke="currentColor" stroke-width="1" stroke-linejoin="round"/>',
  ],
  's-down': [
    '0 0 12 12',
    '<path d="M2 2l8 8M10 2l-8 8" fill="none" stroke="currentColor" stroke-width="2.8" stroke-linecap="round"/>',
  ],
  's-draining': [
    '0 0 12 12',
    '<circle cx="6" cy="6" r="4.9" fill="none" stroke="currentColor" stroke-width="1.6"/><path d="M1.4 6.2a4.6 4.6 0 0 0 9.2 0z" fill="currentColor"/>',
  ],
  's-available': ['0 0 12 12', '<circle cx="6" cy="6" r="5" fill="currentColor"/>'],
}

/** Every shape the pages point to. */
export const DRAWINGS: Markup = trusted(
  `<svg hidden>${Object.entries(SYMBOLS)
    .map(([id, [viewBox, drawing]]) => `<symbol id="${id}" viewBox="${viewBox}">${drawing}</symbol>`)
    .join('')}</svg>`,
)
