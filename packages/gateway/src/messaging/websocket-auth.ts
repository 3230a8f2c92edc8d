/**
 * Asks a service about everybody who opens a WebSocket (`requireWebsocketAuth`, `flywheel.md` 5.8).
 *
 * @module
 */
import type { Exchange } from '../proxy/exchange.ts'
import type { OwnCalls } from './port.ts'
import type { RouterSettings } from './settings.ts'

export interface WebsocketAuthDeps {
  readonly calls: OwnCalls
  readonly settings: Pick<
    RouterSettings,
    'requireWebsocketAuth' | 'websocketAuthService' | 'websocketAuthServiceAPI' | 'requestTimeoutMs'
  >
}

/**
 * Resolves with what the service says of who asks (`result`), with undefined when nobody has to be asked, and rejects when
 * it does not know them, or can't be asked.
 */
export type AskAboutClient = (
  exchange: Pick<Exchange, 'headers' | 'path' | 'query' | 'client' | 'caller'>,
) => Promise<unknown>

export function createWebsocketAuth({ calls, settings }: WebsocketAuthDeps): AskAboutClient {
  return async (exchange) => {
    const { requireWebsocketAuth, websocketAuthService, websocketAuthServiceAPI, requestTimeoutMs } = settings
    if (!requireWebsocketAuth) return undefined
    if (!websocketAuthService || !websocketAuthServiceAPI)
      throw new Error('no service is asked about clients')
    const { status, body } = await calls.call({
      service: websocketAuthService,
      method: 'POST',
      path: websocketAuthServiceAPI,
      headers: {},
      body: { key: keyOf(exchange) },
      caller: exchange.caller,
      address: exchange.client,
      timeoutMs: requestTimeoutMs,
    })
    if (status !== 200) throw new Error(`the service answered ${status}`)
    const { result } = (body ?? {}) as { result?: unknown }
    return result ?? {}
  }
}

/** `user:password` of Basic credentials, otherwise the path with its query where there is one. */
function keyOf({ headers, path, query }: Pick<Exchange, 'headers' | 'path' | 'query'>): string {
  const basic = /^basic +([\w+/=-]+)$/i.exec(headers.get('authorization') ?? '')
  if (basic) return Buffer.from(basic[1]!, 'base64').toString()
  const url = `${path}${query}`
  return url.length > 1 ? url : ''
}
