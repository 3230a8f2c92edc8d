/**
 * Who is signed in at a page a service makes: by the token it sends along, which is the one it was told them by.
 *
 * A token that is worth nothing is as none. It is never passed on: other services get one of their own.
 *
 * @module
 */
import type { Caller, TokenFault } from '../identity/port.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { FragmentIdentity } from './port.ts'

export interface CallerOfDeps extends Pick<FragmentIdentity, 'tokens' | 'revocations'> {
  readonly metrics: Pick<Metrics, 'refused'>
}

/** `service` is whose page it is: it may have a token that nobody else can use. */
export type CallerOf = (
  token: string,
  service: string | undefined,
) => Caller | undefined | Promise<Caller | undefined>

export function createCallerOf({ tokens, revocations, metrics }: CallerOfDeps): CallerOf {
  const refuse = (reason: string): undefined => {
    metrics.refused('login', reason)
    return undefined
  }
  const believe = (said: Caller | TokenFault): Caller | undefined => {
    if (typeof said === 'string') return refuse(said)
    return revocations.isRevoked(said) ? refuse('revoked') : said
  }
  /** One that is for some service may be for this one. */
  const isForOne = (said: Caller | TokenFault, service: string | undefined): service is string =>
    said === 'audience' && service !== undefined

  return (token, service) => {
    const said = tokens.verify(token)
    if (said instanceof Promise)
      return said.then(async (shared) =>
        believe(isForOne(shared, service) ? await tokens.verify(token, service) : shared),
      )
    if (!isForOne(said, service)) return believe(said)
    const own = tokens.verify(token, service)
    return own instanceof Promise ? own.then(believe) : believe(own)
  }
}
