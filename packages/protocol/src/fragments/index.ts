/**
 * Fragment tags: their grammar, the scanner that finds them in bytes, the compiler of pages, the order in which they
 * are asked for. No I/O.
 *
 * @module
 */
export * from './assets.ts'
export { type Misfit, misfitsOf } from './compatible.ts'
export { FRAGMENT_IN_MENU, neverClosed, OVERSIZED } from './faults.ts'
export * from './flow.ts'
export * from './link-path.ts'
export * from './link-tag.ts'
export { fillNames, formatTransfer, parseTransfers, readValue, rootOf } from './lists.ts'
export * from './live-places.ts'
export { type LooseMenuTag, type MenuTag, readMenuTag } from './menu-tag.ts'
export * from './model.ts'
export * from './page-attributes.ts'
export * from './page-markup.ts'
export { type NamePlace, placesOf, positionIn, positionsOf } from './position.ts'
export * from './scanner.ts'
export * from './site-tags.ts'
export { parseFragmentTag, type ReadTag, readFragmentTag } from './tag.ts'
export type { TagNote } from './tag-notes.ts'
export * from './template.ts'
export { MOST_VALUE_DEPTH } from './values.ts'
