/**
 * Who may see what is for operators: the holder of both keys, or somebody at this very machine.
 *
 * "At this machine" is narrow on purpose. A request through a proxy on this machine comes from loopback too, and
 * so does one that a hostile page sends after its host name began to resolve to 127.0.0.1; neither counts.
 *
 * A browser that was told the keys once sends them with whatever any page has it ask. So what changes something is taken
 * from programs and from pages of this host only.
 *
 * @module
 */
import { isLoopback } from '@hydra-gateway/protocol'
import { basicCredentials } from '../channels/http.ts'
import { HydraError } from '../errors.ts'
import { isSameOrigin } from '../identity/same-origin.ts'
import type { Exchange } from '../proxy/exchange.ts'

export interface Guard {
  /** Throws HYDRA_UNAUTHORIZED unless the caller shows both keys, HYDRA_FORBIDDEN when another site has a browser show them. */
  operator(exchange: Exchange): void
  /** The same, but a person or script at this machine needs no keys. */
  operatorOrLocal(exchange: Exchange): void
}

export function createGuard({
  keys,
}: {
  keys: { acceptsPair(publicKey: string, privateKey: string): boolean }
}): Guard {
  const showsKeys = (exchange: Exchange): boolean => {
    const credentials = basicCredentials(exchange.headers.get('authorization'))
    return credentials !== undefined && keys.acceptsPair(...credentials)
  }
  const operator = (exchange: Exchange): void => {
    if (!showsKeys(exchange)) {
      throw new HydraError(
        'HYDRA_UNAUTHORIZED',
        'send Basic credentials: the public key as user, the private key as password',
      )
    }
    const isLook = exchange.method === 'GET' || exchange.method === 'HEAD'
    if (!isLook && !isSameOrigin(exchange, undefined))
      throw new HydraError('HYDRA_FORBIDDEN', 'pages of other sites change nothing here')
  }
  return {
    operator,
    operatorOrLocal: (exchange) => isAtThisMachine(exchange) || operator(exchange),
  }
}

const FORWARDING = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'] as const

function isAtThisMachine({ peer, host, headers }: Exchange): boolean {
  return (
    isLoopback(peer.address) &&
    (host === 'localhost' || isLoopback(host)) &&
    FORWARDING.every((name) => headers.get(name) === undefined)
  )
}
