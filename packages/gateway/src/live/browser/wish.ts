/**
 * Wishes: what a page asks to be told of, as it stands in the query of its stream. Also the names under which it is known
 * what became of them.
 *
 * @module
 */

/** `link=/orders/7`. A slash may stand in a query, and most names are paths. */
export function wish(kind: string, name: string): string {
  return `${kind}=${encodeURIComponent(name).replaceAll('%2F', '/')}`
}
