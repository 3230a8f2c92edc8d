/**
 * Guards for Hono, as middleware.
 *
 * @module
 */
import {
  admit,
  checkGuard,
  checkSource,
  type GuardOptions,
  keepUser,
  markGuard,
  markMaker,
  recognise,
  type ServiceSource,
} from '../identity/guard.ts'
import type { User } from '../identity/verified.ts'

/** Variables of a context behind a guard: `new Hono<{ Variables: UserVariables }>()`. */
export interface UserVariables {
  user: User
}

export type HonoMiddleware = (
  // biome-ignore lint/suspicious/noExplicitAny: Hono's own context, with the app's types in it
  context: any,
  next: () => Promise<void>,
) => Promise<Response | undefined>

/**
 * Lets those through who are signed in, as `context.get('user')`, and answers everybody else 401 or 403. Put on a
 * route or before others, it is found by the adapter and told to the gateway, which then refuses before a request
 * gets here.
 *
 * @example
 * app.use('/admin/*', requireUser(service, { roles: ['ADMIN'] }))
 */
export function requireUser(service: ServiceSource, options: GuardOptions = {}): HonoMiddleware {
  checkSource('requireUser', service)
  checkGuard(options)
  const guard: HonoMiddleware = async (context, next) => {
    const { verified, answer } = await admit(service, context, options)
    if (!verified) return new Response(answer.body, { status: answer.status, headers: answer.headers })
    setUser(context, verified.user)
    await next()
    return undefined
  }
  return markGuard(guard, options)
}

/** Sets `user` of the context where somebody is signed in, and lets everybody through. */
export function optionalUser(service: ServiceSource): HonoMiddleware {
  checkSource('optionalUser', service)
  return async (context, next) => {
    const verified = await recognise(service, context)
    if (verified) setUser(context, verified.user)
    await next()
    return undefined
  }
}

markMaker(requireUser, 'requireUser')
markMaker(optionalUser, 'optionalUser')

function setUser(context: { set(name: string, value: unknown): void }, user: User): void {
  keepUser(context, user)
  context.set('user', user)
}
