/**
 * The doors of X-ray: a link turns it on for a browser, another turns it off, and its script.
 *
 * @module
 */
import { HydraError } from '../errors.ts'
import { isLocalPath, type XrayPass } from '../fragments/xray-pass.ts'
import { xrayScript } from '../pages/xray-script.ts'
import type { Exchange } from '../proxy/exchange.ts'

export interface XrayDoor {
  /** `GET /_hydra/xray?pass=…&to=…`, or `?off=1&to=…`: sets the cookie and goes to the page. */
  enter(exchange: Exchange, query: URLSearchParams): Response
  /** `GET /_hydra/xray.js`; nothing for who does not see X-ray. */
  script(exchange: Exchange): Response | undefined
  /** `POST /_hydra/api/v1/xray` with `{ to }`: a link for a developer. */
  link(body: unknown): { readonly path: string; readonly until: number }
}

export function createXrayDoor({ pass }: { readonly pass: XrayPass }): XrayDoor {
  return {
    enter(exchange, query) {
      const to = query.get('to') ?? '/'
      if (!isLocalPath(to)) throw new HydraError('HYDRA_BAD_REQUEST', 'to must be a path of this site')
      const cookie = query.has('off')
        ? pass.off(exchange.secure)
        : pass.admit(query.get('pass') ?? '', exchange.secure)
      if (cookie === undefined) {
        throw new HydraError(
          'HYDRA_BAD_REQUEST',
          'this X-ray link is not valid any more; a new one is made by: hydra xray URL',
        )
      }
      const headers = {
        location: to,
        'set-cookie': cookie,
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
      }
      return new Response(null, { status: 303, headers })
    },
    script: (exchange) => (pass.isOn(exchange) ? xrayScript() : undefined),
    link(body) {
      const to = typeof body === 'object' && body !== null && 'to' in body ? body.to : undefined
      if (typeof to !== 'string' || !isLocalPath(to))
        throw new HydraError(
          'HYDRA_BAD_REQUEST',
          'to must be a path of this site, such as /catalog/watering-can',
        )
      return pass.link(to)
    },
  }
}
