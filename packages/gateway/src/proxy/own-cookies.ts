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

/** After what no name and no value may hold (RFC 6265, 4.1.1), or an equals sign before any name. */
const HIDDEN =
  /(?:^[= \t]*|[^\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e])(?:__[A-Za-z-]{1,16}-)?HYDRA-[^=]{0,256}=/

/**
 * Whether some server could read a cookie of ours out of a pair that is none of ours by the letter: after a comma
 * (Netty, RFC 2965), a space (Python), a non-breaking one that is trimmed away, a quote. No browser sends these by itself.
 */
export function hidesOurName(pair: string): boolean {
  return HIDDEN.test(pair)
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
  const own = name.slice(0, name.length - rest.length) + rest.slice(prefix.length)
  // Whoever writes cookies by hand could otherwise tell the service who calls.
  return isOurName(own) ? undefined : own
}

function afterBrowserPrefix(name: string): string {
  return name.startsWith('__') ? name.replace(BROWSER_PREFIX, '') : name
}
