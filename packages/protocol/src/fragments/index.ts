/**
 * Fragment tags: their grammar, the scanner that finds them in bytes, the compiler of pages, the order in which they
 * are asked for. No I/O.
 *
 * @module
 */
export * from './assets.ts'
export * from './flow.ts'
export * from './lists.ts'
export * from './model.ts'
export * from './page-markup.ts'
export * from './scanner.ts'
export * from './tag.ts'
export * from './template.ts'
