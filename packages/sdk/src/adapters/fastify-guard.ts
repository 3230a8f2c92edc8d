/**
 * Guards for Fastify, as hooks: `onRequest` or `preHandler`, of a route or of a plugin.
 *
 * @module
 */
import {
  admit,
  checkGuard,
  checkSource,
  type GuardOptions,
  giveUser,
  markGuard,
  markMaker,
  recognise,
  type ServiceSource,
} from '../identity/guard.ts'

/** A reply of Fastify, as far as it is used. */
export interface GuardedReply {
  code(status: number): unknown
  // biome-ignore lint/suspicious/noExplicitAny: Fastify types names and values of headers
  header(name: any, value: any): unknown
  // biome-ignore lint/suspicious/noExplicitAny: Fastify declares several overloads
  send(payload?: any): any
}

// biome-ignore lint/suspicious/noExplicitAny: Fastify's own request, with the app's types in it
export type Hook = (request: any, reply: GuardedReply) => Promise<unknown>

/**
 * Lets those through who are signed in, as `request.user`, and answers everybody else 401 or 403. On a route, it is
 * found by the adapter and told to the gateway, which then refuses before a request gets here; as a hook of a plugin
 * (`app.addHook('onRequest', requireUser(service))`) it refuses here alone.
 *
 * @example
 * app.get('/orders', { onRequest: requireUser(service) }, async (request) => ordersOf(request.user.sub))
 */
export function requireUser(service: ServiceSource, options: GuardOptions = {}): Hook {
  checkSource('requireUser', service)
  checkGuard(options)
  const guard: Hook = async (request, reply) => {
    const { verified, answer } = await admit(service, request, options)
    if (verified) {
      giveUser(request, verified.user)
      return undefined
    }
    reply.code(answer.status)
    for (const [name, value] of Object.entries(answer.headers)) reply.header(name, value)
    return reply.send(answer.body)
  }
  return markGuard(guard, options)
}

/** Sets `request.user` where somebody is signed in, and lets everybody through. */
export function optionalUser(service: ServiceSource): Hook {
  checkSource('optionalUser', service)
  return async (request, _reply) => {
    const verified = await recognise(service, request)
    if (verified) giveUser(request, verified.user)
  }
}

markMaker(requireUser, 'requireUser')
markMaker(optionalUser, 'optionalUser')
