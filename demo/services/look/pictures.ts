/**
 * A drawing of each good, in the colours of the page around it.
 *
 * @module
 */
import { type Html, html } from './html.ts'

const water = html`<g fill="none" stroke="var(--hy-recovering)" stroke-width="5" stroke-linecap="round">`

const DRAWINGS: Readonly<Record<string, { readonly label: string; readonly lines: Html }>> = {
  'watering-can': {
    label: 'A dark green watering can with a long spout',
    lines: html`<g fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round"><path stroke-width="14" d="M212 190C206 92 352 84 366 186M372 206c66-6 74 96-2 104"/><path stroke-width="20" d="M206 296C160 284 148 206 108 156"/></g><path fill="currentColor" d="M196 196h184l-12 146a14 14 0 0 1-14 12H222a14 14 0 0 1-14-12zM76 166l48-34 14 20-46 36z"/>${water}<path d="M82 196l-8 26M66 190l-12 22M100 200l-4 28"/></g><path d="M214 236h150" stroke="var(--hy-sunken)" stroke-width="4"/>`,
  },
  'reed-basket': {
    label: 'A round basket woven from reed, with a handle',
    lines: html`<path fill="none" stroke="currentColor" stroke-width="14" stroke-linecap="round" d="M136 200C140 66 340 66 344 200"/><path fill="currentColor" d="M110 196h260l-24 142a20 20 0 0 1-20 16H154a20 20 0 0 1-20-16z"/><g fill="none" stroke="var(--hy-sunken)" stroke-width="5" stroke-linecap="round"><path d="M130 238c40 14 70-14 110 0s70 14 110 0M138 282c36 14 66-14 102 0s66 14 102 0M146 324c32 12 62-12 94 0s62 12 94 0"/></g>`,
  },
  'pond-boots': {
    label: 'A pair of high rubber boots',
    lines: html`<path fill="currentColor" d="M118 84h84v176c0 22 62 26 62 62v32H118z"/><path fill="currentColor" opacity=".55" d="M236 64h84v176c0 22 62 26 62 62v32h-96c4-56-50-48-50-84z"/><g stroke="var(--hy-sunken)" stroke-width="5"><path d="M118 112h84M118 330h146"/></g>${water}<path d="M84 366h60M170 372h90M288 366h110"/></g>`,
  },
  'marsh-lamp': {
    label: 'A storm lantern, burning',
    lines: html`<path fill="none" stroke="currentColor" stroke-width="12" stroke-linecap="round" d="M176 132C176 40 304 40 304 132M164 150v140M316 150v140"/><path fill="currentColor" d="M184 118h112l20 34H164zM176 288h128l22 66H154z"/><path fill="none" stroke="currentColor" stroke-width="8" d="M192 152c-24 50-24 86 0 136M288 152c24 50 24 86 0 136"/><path fill="var(--hy-degraded)" d="M240 176c34 42 32 78 0 88c-32-10-34-46 0-88z"/>`,
  },
  'brass-rose': {
    label: 'The brass rose of a watering can, seen from the side',
    lines: html`<path fill="currentColor" d="M96 330l46-46 60 60-46 46zM150 272l120-168 112 112-168 120z"/><ellipse cx="330" cy="156" rx="88" ry="34" transform="rotate(45 330 156)" fill="currentColor"/><g fill="var(--hy-sunken)"><circle cx="300" cy="122" r="6"/><circle cx="322" cy="146" r="6"/><circle cx="346" cy="170" r="6"/><circle cx="366" cy="192" r="6"/><circle cx="326" cy="122" r="6"/><circle cx="350" cy="146" r="6"/></g>${water}<path d="M384 116l26-20M398 142l30-16M360 96l16-26"/></g>`,
  },
  'rain-gauge': {
    label: 'A glass tube on a stake, a third full of rain',
    lines: html`<path fill="none" stroke="currentColor" stroke-width="12" stroke-linejoin="round" d="M196 76h88l-10 20v190a34 34 0 0 1-68 0V96z"/><path fill="var(--hy-recovering)" d="M214 216h52v70a26 26 0 0 1-52 0z"/><g stroke="currentColor" stroke-width="6" stroke-linecap="round"><path d="M226 130h20M226 160h32M226 190h20"/></g><path fill="currentColor" d="M228 326h24l-6 60h-12z"/>${water}<path d="M130 110l-8 30M102 180l-8 30M346 120l-8 30M372 200l-8 30"/></g>`,
  },
}

/** The picture of a good. `decorative` beside its name, where a reader would hear the same twice. */
export function picture(id: string, { decorative = false } = {}): Html {
  const { label, lines } = DRAWINGS[id] ?? { label: '', lines: html`` }
  return html`<svg viewBox="0 0 480 400" width="480" height="400" ${decorative ? html`aria-hidden="true"` : html`role="img" aria-label="${label}"`}><rect width="480" height="400" fill="var(--hy-sunken)"/>${lines}</svg>`
}
