/**
 * What services are told where nobody can sign in.
 *
 * @module
 */
import type { IdentityFacts } from './port.ts'

const NO_MAPPINGS = Object.freeze({})

/** Identity that is off. */
export const NO_IDENTITY: IdentityFacts = Object.freeze({
  isOn: false,
  publicKey: () => null,
  keyId: () => undefined,
  keysAnswer: () => ({ publicKey: null, keys: [] }),
  roleMappings: () => NO_MAPPINGS,
  onKeys: () => () => {},
})
