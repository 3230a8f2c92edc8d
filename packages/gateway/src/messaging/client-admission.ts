/**
 * Who may open a socket for messages: from which pages, and how many.
 *
 * @module
 */
import type { ErrorCode } from '../errors.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { isAllowedOrigin } from '../proxy/origin.ts'
import type { MessageSettings, OriginSettings, RouterSettings } from './settings.ts'

/** `stranger`: the page is of another site that may speak to us, but not as whoever is signed in here. */
export type Admitted = 'known' | 'stranger'

export interface ClientRefusal {
  readonly code: ErrorCode
  readonly detail: string
  /** A constant word for the metrics. */
  readonly reason: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface ClientAdmission {
  judge(exchange: Pick<Exchange, 'headers' | 'authority' | 'client'>): Admitted | ClientRefusal
  /** A socket takes a place; what is returned gives it back, once. */
  opened(address: string): () => void
  readonly size: number
}

export interface ClientAdmissionDeps {
  readonly settings: Pick<MessageSettings, 'maxClients' | 'maxClientsPerAddress'>
  readonly router: Pick<RouterSettings, 'enabled' | 'cors'>
  readonly origins: OriginSettings
  /** Who has an IPv6 address has 2^64 of them. */
  readonly networkOf: (address: string) => string
  /** 0 to 1, as Math.random. */
  readonly random: () => number
}

/** Who was turned away comes back in so many seconds, and not together with all others. */
const RETRY_SECONDS = { least: 5, spread: 10 }

export function createClientAdmission(deps: ClientAdmissionDeps): ClientAdmission {
  const { settings, router, origins, networkOf, random } = deps
  const networks = new Map<string, number>()
  let size = 0

  const overloaded = (reason: string, detail: string): ClientRefusal => {
    const seconds = RETRY_SECONDS.least + Math.floor(random() * RETRY_SECONDS.spread)
    return { code: 'HYDRA_OVERLOADED', detail, reason, headers: { 'retry-after': String(seconds) } }
  }
  /** By the CORS rules of hydra-router, which know nothing of cookies: whoever they let in is nobody here. */
  const isAllowedStranger = (origin: string): boolean => {
    if (!router.enabled || !router.cors) return false
    for (const [name, value] of Object.entries(router.cors))
      if (name.toLowerCase() === 'access-control-allow-origin') return value === '*' || value === origin
    return false
  }

  return {
    get size() {
      return size
    },
    judge({ headers, authority, client }) {
      const origin = headers.get('origin')
      const isKnown = isAllowedOrigin(origin, authority, origins)
      if (!isKnown && !isAllowedStranger(origin!))
        return {
          code: 'HYDRA_FORBIDDEN_ORIGIN',
          detail: 'this page may not open a socket here (http.allowedOrigins, flywheel.cors)',
          reason: 'origin',
        }
      if (size >= settings.maxClients)
        return overloaded('message-clients', 'as many clients as may be are connected (messages.maxClients)')
      if ((networks.get(networkOf(client)) ?? 0) >= settings.maxClientsPerAddress)
        return overloaded(
          'message-address',
          'as many clients of one address as may be are connected (messages.maxClientsPerAddress)',
        )
      return isKnown ? 'known' : 'stranger'
    },
    opened(address) {
      const network = networkOf(address)
      size++
      networks.set(network, (networks.get(network) ?? 0) + 1)
      let isOpen = true
      return () => {
        if (!isOpen) return
        isOpen = false
        size--
        const left = networks.get(network)! - 1
        if (left > 0) networks.set(network, left)
        else networks.delete(network)
      }
    },
  }
}
