/**
 * What the gateway says at its start as the successor of hydra-router: what is open, and who is trusted.
 *
 * @module
 */
import type { Config } from '../config.ts'

export interface FlywheelFacts {
  /** The configuration of hydra-router that was read, as people should read its name. */
  readonly routerFile?: string | undefined
  /** Where Redis is, never with a password; undefined without one. */
  readonly sharedStore?: string | undefined
}

/** Where hydra services are found, and who may ask the router API. Nothing while it is off. */
export function describeFlywheel({ flywheel }: Config, { routerFile, sharedStore }: FlywheelFacts): string[] {
  const file = routerFile === undefined ? [] : [`${routerFile} of hydra-router was read.`]
  if (!flywheel.enabled) return file
  const services =
    sharedStore === undefined
      ? [
          'There is no Redis, so no hydra services are found; /v1/router/*, messages and external routes work without.',
        ]
      : [
          `Hydra services are found in ${sharedStore}. They are believed to be who they say: whoever can write to that Redis can be any of them.`,
        ]
  return [...file, ...services, ...routerApi(flywheel)]
}

function routerApi({ disableRouterEndpoint, routerToken }: Config['flywheel']): string[] {
  if (disableRouterEndpoint) return ['/v1/router/* is off.']
  return routerToken === '' ? [] : ['/v1/router/* and the router page open with ?token= and the token given.']
}

/** What an operator should know of it. */
export function flywheelWarnings({ flywheel, controlPort }: Config): string[] {
  const { enabled, disableRouterEndpoint, routerToken } = flywheel
  if (!enabled || disableRouterEndpoint || routerToken !== '') return []
  const whom = controlPort === undefined ? 'everybody' : `everybody who reaches port ${controlPort}`
  return [
    `/v1/router/* tells ${whom} of all services, and sends messages to them. To close it: routerToken or disableRouterEndpoint below flywheel, or in the config.json of hydra-router.`,
  ]
}
