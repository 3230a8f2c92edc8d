/**
 * The words services and the gateway speak. Schemas, types and codecs; no I/O.
 *
 * @module
 */
export * from './address.ts'
export * from './admin.ts'
export * from './events.ts'
export * from './fragment.ts'
export * from './fragment-limits.ts'
export * from './identity.ts'
export * from './json-depth.ts'
export * from './language.ts'
export * from './live.ts'
export * from './menu.ts'
export * from './menu-markup.ts'
export * from './menu-same.ts'
export * from './menu-seen.ts'
export * from './menu-texts.ts'
export * from './name.ts'
export * from './nearest.ts'
export * from './overview.ts'
export * from './overview-delta.ts'
export * from './pattern/index.ts'
export * from './problem.ts'
export * from './registration.ts'
export * from './reserved.ts'
