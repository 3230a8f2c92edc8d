/**
 * Identity for tools beside the gateway: the database of users, without the gateway itself.
 *
 * @module
 */
export { HydraError } from '../errors.ts'
export type { IdentityStore } from '../store/identity/port.ts'
export { openSqliteIdentityStore } from '../store/identity/sqlite.ts'
export { IdentityStoreError } from '../store/identity/sqlite-file.ts'
export { createPasswords, hashPassword, type Passwords, verifyPassword } from './passwords.ts'
export { createUserDesk, LEAST_PASSWORD, type UserDesk } from './user-desk.ts'
