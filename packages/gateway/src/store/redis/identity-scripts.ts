/**
 * What of people must happen in Redis as one step: the `.lua` files beside.
 *
 * @module
 */
import { readScript } from './script.ts'

const changing = (name: string) => readScript(name, 'identity-move.lua', `${name}.lua`)

export const CHANGE = changing('identity-change')
export const SAVE_RING = changing('identity-save-ring')
export const REVOKE = changing('identity-revoke')
export const REVOKED_SINCE = readScript('identity-revoked-since', 'identity-revoked-since.lua')
