/**
 * The pages as a part of their own: for whoever prints, checks or shows them outside a running gateway.
 *
 * @module
 */
export { CODES, type ErrorCode } from '../errors.ts'
export { type ErrorPageFacts, errorPage } from './error-page.ts'
export { EXPLANATIONS } from './explanations.ts'
export { createLocalPages, type LocalPages } from './local-pages.ts'
