/**
 * UMF: messages, their addresses, how they are written and answered. Pure, runs in browsers too.
 *
 * @module
 */
export * from './address.ts'
export { HEADER_BOUNDS, type HeaderBounds, LONG_HEADERS } from './header-bounds.ts'
export * from './message.ts'
export * from './read.ts'
export * from './reply.ts'
export * from './service-words.ts'
export * from './session.ts'
export * from './words.ts'
export * from './write.ts'
