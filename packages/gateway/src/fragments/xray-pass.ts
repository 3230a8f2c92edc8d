/**
 * Who may see pages in X-ray: whoever was given a link by an operator, for an hour.
 *
 * ```
 * /_hydra/xray?pass=<until>.<mac>&to=/path     a link, made for who holds the keys
 * HYDRA-DEBUG=x1.<until>.<mac>                 the cookie it sets
 * until   epoch seconds
 * mac     HMAC-SHA-256 of `link <until>` or `cookie <until>`, 128 bits, base64url
 * ```
 *
 * The key is derived from the private key for this alone, and every valid private key verifies.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'
import { cookieValues, DEBUG_COOKIE } from '../proxy/cookies.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { createSigner } from '../proxy/signing.ts'

export interface XrayPass {
  /** Path of a link that turns X-ray on and leads to `to`, and when it ends, epoch seconds. */
  link(to: string): { readonly path: string; readonly until: number }
  /** The cookie for who came by a link with this pass; undefined when it is not valid (any more). */
  admit(pass: string, secure: boolean): string | undefined
  /** The cookie that turns it off. */
  off(secure: boolean): string
  /** Whether the visitor sees pages in X-ray. One comparison for visitors without cookies of ours. */
  isOn(exchange: Pick<Exchange, 'hasOurCookies' | 'headers'>): boolean
}

const LIFE_SECONDS = 3600
const MOST_LENGTH = 64
const FORM = /^(\d{1,12})\.([\w-]{22})$/

export function createXrayPass({
  privateKeys,
  isAlwaysOn,
  clock,
}: {
  readonly privateKeys: readonly string[]
  /** A setting for development: everybody sees X-ray. */
  readonly isAlwaysOn: boolean
  readonly clock: Pick<Clock, 'now'>
}): XrayPass {
  const signer = createSigner(privateKeys, 'hydra-gateway debug cookie 1')
  const nowSeconds = (): number => Math.floor(clock.now() / 1000)
  const signed = (what: 'link' | 'cookie', until: number): string =>
    `${until}.${signer.sign(`${what} ${until}`)}`

  /** Until when a pass holds, epoch seconds; undefined for none that does. */
  function read(what: 'link' | 'cookie', text: string): number | undefined {
    const [, written, mac] = (text.length <= MOST_LENGTH && FORM.exec(text)) || []
    if (written === undefined) return undefined
    const until = Number(written)
    const isOurs = signer.signedBy(`${what} ${until}`, mac!) >= 0
    return isOurs && until > nowSeconds() ? until : undefined
  }

  const attributes = (secure: boolean): string => `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`

  return {
    link(to) {
      const until = nowSeconds() + LIFE_SECONDS
      const query = new URLSearchParams({ pass: signed('link', until), to })
      return { path: `/_hydra/xray?${query}`, until }
    },
    admit(pass, secure) {
      const until = read('link', pass)
      if (until === undefined) return undefined
      return `${DEBUG_COOKIE}=x1.${signed('cookie', until)}; Max-Age=${until - nowSeconds()}; ${attributes(secure)}`
    },
    off: (secure) => `${DEBUG_COOKIE}=; Max-Age=0; ${attributes(secure)}`,
    isOn({ hasOurCookies, headers }) {
      if (isAlwaysOn) return true
      if (!hasOurCookies) return false
      // The first counts; another one of that name is not looked at.
      const [value] = cookieValues(headers.all('cookie'), DEBUG_COOKIE)
      return value?.startsWith('x1.') === true && read('cookie', value.slice(3)) !== undefined
    },
  }
}

/** A path of this site, and nothing else: what may be redirected to. */
export function isLocalPath(path: string): boolean {
  return /^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(path) && path.length <= 2048
}
