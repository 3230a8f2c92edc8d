/**
 * Sites of services in Redis: what the path means to the service when a request came to `/{service}/…`, as hydra-router
 * did it (`flywheel.md` 3.2).
 *
 * @module
 */
import type { Route } from './route.ts'

/** The path as the service is asked for it: `/b/c` for `/a/b/c` on a `site` route, the same on any other. */
export function servicePath({ flywheel }: Pick<Route, 'flywheel'>, path: string): string {
  if (flywheel !== 'site') return path
  const slash = path.indexOf('/', 1)
  return slash < 0 ? '/' : path.slice(slash)
}

/** The path under which a visitor has a path of a service that no route of it takes: `/a/b/c` for `/b/c` of `a`. */
export const sitePath = (service: string, path: string): string => `/${encodeURIComponent(service)}${path}`

const unstripped = new WeakMap<Route, Route>()
const wholes = new WeakSet<Route>()

/** The same route for requests whose path goes on as it is: to the service whose page asked for them. */
export function wholeSite(site: Route): Route {
  let route = unstripped.get(site)
  if (route === undefined) {
    route = Object.freeze({ ...site, flywheel: 'route' as const })
    unstripped.set(site, route)
    wholes.add(route)
  }
  return route
}

/** The path under which a visitor could have the same of the service; undefined where there is no other. */
export function otherSitePath(route: Route, path: string): string | undefined {
  if (route.flywheel === 'site') return servicePath(route, path)
  return wholes.has(route) ? sitePath(route.service, path) : undefined
}
