/**
 * The site that comes back at once: how many services there are, and what each of them declares.
 *
 * @module
 */

export const SERVICES = 300
export const INSTANCES = 3
/** Processes they are divided among. */
export const PROCESSES = 3

/** As a service of a shop: some pages, an API, a menu item. */
export function serviceOptions(index: number) {
  const name = `service-${String(index).padStart(3, '0')}`
  const paths = ['', '/{id}', '/{id}/details', '/search', '/list', '/about', '/help', '/status']
  return {
    name,
    routes: [
      ...paths.map((path) => `/${name}${path}`),
      { path: `/${name}/api/items`, methods: ['GET', 'POST'] },
      { path: `/${name}/api/items/{id:digits}`, methods: ['GET', 'PUT', 'DELETE'] },
    ],
    menu: [{ path: `/${name}`, label: `Service ${index}`, order: index }],
  }
}
