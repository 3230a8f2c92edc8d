/**
 * The site whose pages are open: a few services with a menu that looks like that of a shop.
 *
 * @module
 */

/** The one that is killed. */
export const KILLED = 'orders'
export const SERVICES: readonly string[] = ['catalog', 'basket', KILLED, 'account']

/** Items of each service. */
const ITEMS = 3

export function menuOf(service: string) {
  return Array.from({ length: ITEMS }, (_, i) => ({
    path: `/${service}${i === 0 ? '' : `/${i}`}`,
    label: `${service[0]!.toUpperCase()}${service.slice(1)} ${i}`,
    order: SERVICES.indexOf(service) * 10 + i,
  }))
}

/** What each page asks about. */
export const QUERY: string = `menu=main&link=/catalog/1&link=/${KILLED}/1&link=/account/2`
