/**
 * What nodes of this cluster say to each other of their clients, as it goes over the bus.
 *
 * @module
 */

/** What a node says to all others; `n` is who says it. */
export type Said =
  | { readonly t: 'news'; readonly n: string; readonly came: string[]; readonly left: string[] }
  | { readonly t: 'mail'; readonly n: string; readonly ids: string[] }
  | { readonly t: 'sum'; readonly n: string; readonly size: number; readonly sum: number }
  | { readonly t: 'ask'; readonly n: string; readonly of: string }
  | {
      readonly t: 'all'
      readonly n: string
      readonly part: number
      readonly parts: number
      readonly ids: string[]
    }
  | { readonly t: 'bye'; readonly n: string }

const ROUTER = /^[0-9a-f]{32}$/
const CLIENT = /^[0-9a-z]{1,64}$/

/** A message for many clients of one node: ids in one line, and the message for all of them. */
export const writeMany = (clients: readonly string[], text: string): string => `${clients.join(' ')}\n${text}`

/** Undefined for a message alone, and for what is neither. */
export function readMany(text: string): { readonly clients: string[]; readonly text: string } | undefined {
  if (text.startsWith('{')) return undefined
  const end = text.indexOf('\n')
  const clients = text.slice(0, Math.max(0, end)).split(' ')
  return areIds(clients) ? { clients, text: text.slice(end + 1) } : undefined
}

/** Undefined for what is none of these. */
export function readSaid(text: string): Said | undefined {
  try {
    const said = JSON.parse(text) as Said
    const { n } = said
    if (typeof n !== 'string' || !ROUTER.test(n)) return undefined
    switch (said.t) {
      case 'news':
        return areIds(said.came) && areIds(said.left) ? said : undefined
      case 'mail':
        return areIds(said.ids) ? said : undefined
      case 'sum':
        return Number.isSafeInteger(said.size) && Number.isSafeInteger(said.sum) ? said : undefined
      case 'ask':
        return typeof said.of === 'string' ? said : undefined
      case 'all':
        return areIds(said.ids) && Number.isSafeInteger(said.part) && Number.isSafeInteger(said.parts)
          ? said
          : undefined
      case 'bye':
        return said
      default:
        return undefined
    }
  } catch {
    return undefined
  }
}

function areIds(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((id) => typeof id === 'string' && CLIENT.test(id))
}
