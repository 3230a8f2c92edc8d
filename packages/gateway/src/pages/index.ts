/**
 * The pages as a part of their own: for whoever prints, checks or shows them outside a running gateway.
 *
 * @module
 */
export { CODES, type ErrorCode } from '../errors.ts'
export { type ErrorPageFacts, errorPage } from './error-page.ts'
export { EXPLANATIONS } from './explanations.ts'
export { createLocalPages, type LocalPages } from './local-pages.ts'
export { type LoginFacts, loginPage } from './login.ts'
export { compileLoginTemplate } from './login-template.ts'
export { logoutPage } from './logout.ts'
