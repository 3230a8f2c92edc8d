/**
 * Guards for servers of `node:http`, and for Express, whose requests and responses are those.
 *
 * @module
 */
import {
  admit,
  checkGuard,
  checkSource,
  type GuardAnswer,
  type GuardOptions,
  giveUser,
  keepUser,
  markGuard,
  markMaker,
  recognise,
  type ServiceSource,
} from '../identity/guard.ts'
import type { User } from '../identity/verified.ts'

/** A response of Node, as far as it is used. */
export interface GuardedResponse {
  statusCode: number
  setHeader(name: string, value: string): unknown
  // biome-ignore lint/suspicious/noExplicitAny: HTTP/1.1 and HTTP/2 declare overloads of their own
  end(...args: any[]): unknown
}

/** Middleware of Express, Connect and the like. */
export type Middleware = (
  // biome-ignore lint/suspicious/noExplicitAny: Express declares its own request; any has headers
  request: any,
  response: GuardedResponse,
  next: (fault?: unknown) => void,
) => void

/**
 * Lets those through who are signed in, as `request.user`, and answers everybody else 401 or 403. Put on a route or
 * before a router, it is found by the adapter and told to the gateway, which then refuses before a request gets here.
 *
 * @example
 * app.get('/orders', requireUser(service), (request, response) => response.json(ordersOf(request.user.sub)))
 * app.use('/admin', requireUser(service, { roles: ['ADMIN'] }), admin)
 */
export function requireUser(service: ServiceSource, options: GuardOptions = {}): Middleware {
  checkSource('requireUser', service)
  checkGuard(options)
  const guard: Middleware = (request, response, next) => {
    admit(service, request, options).then(({ verified, answer }) => {
      if (verified) {
        giveUser(request, verified.user)
        next()
      } else send(response, answer)
    }, next)
  }
  return markGuard(guard, options)
}

/** Sets `request.user` where somebody is signed in, and lets everybody through. */
export function optionalUser(service: ServiceSource): Middleware {
  checkSource('optionalUser', service)
  return (request, _response, next) => {
    recognise(service, request).then((verified) => {
      if (verified) giveUser(request, verified.user)
      next()
    }, next)
  }
}

markMaker(requireUser, 'requireUser')
markMaker(optionalUser, 'optionalUser')

/**
 * The same for a server without middleware: resolves with who is signed in, or answers by itself and resolves with
 * nothing.
 *
 * @example
 * const user = await userOrAnswer(service, request, response, { roles: ['ADMIN'] })
 * if (!user) return
 */
export async function userOrAnswer(
  service: ServiceSource,
  request: object,
  response: GuardedResponse,
  options: GuardOptions = {},
): Promise<User | undefined> {
  checkSource('userOrAnswer', service)
  checkGuard(options)
  const { verified, answer } = await admit(service, request, options)
  if (!verified) {
    send(response, answer)
    return undefined
  }
  keepUser(request, verified.user)
  return verified.user
}

function send(response: GuardedResponse, { status, headers, body }: GuardAnswer): void {
  response.statusCode = status
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  response.end(body)
}
