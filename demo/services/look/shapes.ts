/**
 * The mark, and the six states with their shapes: a word, a shape and a colour, so that none of them is needed.
 *
 * @module
 */
import { type Html, html } from './html.ts'

export const SYMBOLS = html`<svg hidden width="0" height="0">
<symbol id="mark" viewBox="0 0 64 64"><path fill="none" stroke="currentColor" stroke-width="6.5" d="M32 46C32 34 29 30 29 16M26 50C23 39 10 46 10 31M38 50C41 41 54 47 54 38"/><path fill="currentColor" fill-rule="evenodd" d="M16 64v-8a16 16 0 0 1 32 0v8zM27.5 64v-6.5a4.5 4.5 0 0 1 9 0V64zM29.5 3.5h7a6.75 6.75 0 0 1 0 13.5h-7a6.75 6.75 0 0 1 0-13.5zM37 6.8a2.2 2.2 0 1 0 0 4.4a2.2 2.2 0 1 0 0-4.4zM8 21h4.5a6.75 6.75 0 0 1 0 13.5H8A6.75 6.75 0 0 1 8 21zM7.5 24.3a2.2 2.2 0 1 0 0 4.4a2.2 2.2 0 1 0 0-4.4zM51.5 28H56a6.75 6.75 0 0 1 0 13.5h-4.5a6.75 6.75 0 0 1 0-13.5zM56.5 31.3a2.2 2.2 0 1 0 0 4.4a2.2 2.2 0 1 0 0-4.4z"/></symbol>
<symbol id="s-available" viewBox="0 0 12 12"><circle cx="6" cy="6" r="5" fill="currentColor"/></symbol>
<symbol id="s-degraded" viewBox="0 0 12 12"><path d="M6 .8 11.6 11H.4z" fill="currentColor" stroke="currentColor" stroke-width="1" stroke-linejoin="round"/></symbol>
<symbol id="s-down" viewBox="0 0 12 12"><path d="M2 2l8 8M10 2l-8 8" fill="none" stroke="currentColor" stroke-width="2.8" stroke-linecap="round"/></symbol>
<symbol id="s-draining" viewBox="0 0 12 12"><circle cx="6" cy="6" r="4.9" fill="none" stroke="currentColor" stroke-width="1.6"/><path d="M1.4 6.2a4.6 4.6 0 0 0 9.2 0z" fill="currentColor"/></symbol>
<symbol id="s-recovering" viewBox="0 0 12 12"><circle cx="6" cy="6" r="4.9" fill="none" stroke="currentColor" stroke-width="1.6" stroke-dasharray="2.6 2.53"/><circle cx="6" cy="6" r="2" fill="currentColor"/></symbol>
<symbol id="s-unknown" viewBox="0 0 12 12"><path d="M6 1.2 10.8 6 6 10.8 1.2 6z" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linejoin="round"/></symbol>
</svg>`

export type State = 'available' | 'degraded' | 'down' | 'draining' | 'recovering' | 'unknown'

/** The shape of a state; its word stands beside it. Sized for a page without its style sheet as well. */
export function shape(state: State): Html {
  return html`<svg class="${state}" width="12" height="12" aria-hidden="true"><use href="#s-${state}"/></svg>`
}

export const MARK = html`<svg width="28" height="28" aria-hidden="true"><use href="#mark"/></svg>`
