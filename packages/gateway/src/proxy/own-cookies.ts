/**
 * Names of cookies that are the gateway's to give: `HYDRA-…`, also behind what browsers read in a name (`__Host-`).
 *
 * A service that keeps its cookies to itself (`cookies: 'own'`) has them under such a name in the browser:
 * `HYDRA-shop.sid` for its `sid`. So no other service gets them, and none can set them.
 *
 * @module
 */

/** What browsers check of a cookie by the beginning of its name, in any case. */
const BROWSER_PREFIX = /^__(?:Host-Http|Host|Secure|Http)-/i
const OURS = 'HYDRA-'

/** What stands before the names of a service's own cookies. No prefix begins with another. */
export function cookiePrefixOf(service: string): string {
  const name = encodeURIComponent(service.toWellFormed()).replace(
    /[.!'()*~]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `${OURS}${name}.`
}

/** Whether a cookie of this name is ours. Case matters, as it does to whoever reads cookies. */
export function isOurName(name: string): boolean {
  return name.startsWith(OURS) || (name.startsWith('__') && afterBrowserPrefix(name).startsWith(OURS))
}

/** The name in the browser of a service's cookie. */
export function prefixedName(name: string, prefix: string): string {
  const own = afterBrowserPrefix(name)
  return `${name.slice(0, name.length - own.length)}${prefix}${own}`
}

/** What a service calls the cookie with this name in the browser; undefined when it is none of its own. */
export function unprefixedName(name: string, prefix: string): string | undefined {
  const rest = afterBrowserPrefix(name)
  if (!rest.startsWith(prefix) || rest.length === prefix.length) return undefined
  return name.slice(0, name.length - rest.length) + rest.slice(prefix.length)
}

function afterBrowserPrefix(name: string): string {
  return name.startsWith('__') ? name.replace(BROWSER_PREFIX, '') : name
}
