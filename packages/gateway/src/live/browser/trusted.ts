/**
 * Text of this site that is about to become markup or the address of a script, in browsers that want to know who says
 * so. A page that allows policies by name allows `hydra-live`; where it does not, what needs it fails, and has another
 * way.
 *
 * @module
 */

export interface Policy {
  createHTML(text: string): string
  createScriptURL(text: string): string
}

declare const trustedTypes: { createPolicy(name: string, rules: Policy): Policy }

const pass = (text: string) => text

export let policy: Policy = { createHTML: pass, createScriptURL: pass }

try {
  policy = trustedTypes.createPolicy('hydra-live', policy)
} catch {
  // There are none, or not this one.
}
