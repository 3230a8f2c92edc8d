/**
 * What a page wants to be told of: the menus, links and fragments it shows, as it says them in the query of its stream.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { createRecent } from '../proxy/recent.ts'
import { readSitePath } from '../routing/site-path.ts'
import type { FragmentMarks } from './port.ts'

/** Each in order, and once. */
export interface Wishes {
  /** Equal for wishes that are. */
  readonly key: string
  readonly menus: readonly string[]
  /** As the page says them. */
  readonly links: readonly string[]
  readonly fragments: readonly { readonly mark: string; readonly service: string; readonly ref: string }[]
}

export interface Wanted {
  readonly wishes: Wishes
  /** Id of the state the page knows. */
  readonly have: string | undefined
  /** Wishes above the limit, and such that can't be anybody's. */
  readonly surplus: number
  readonly invalid: number
}

const MOST_NAME_LENGTH = 128
const MOST_LINK_LENGTH = 2048
const ID = /^[\w-]{1,64}$/
/** Pages of one kind ask for the same, and when a gateway restarts they all do at once. */
const MOST_KEPT = 256

/** Makes a reader of queries. */
export function createWishReader({
  marks,
  maxWishes,
}: {
  readonly marks: Pick<FragmentMarks, 'read'>
  readonly maxWishes: number
}): (query: string) => Wanted {
  const known = createRecent<Wanted>(MOST_KEPT)

  function read(query: string): Wanted {
    const menus = new Set<string>()
    const links = new Set<string>()
    const fragments = new Map<string, Wishes['fragments'][number]>()
    let have: string | undefined
    let surplus = 0
    let invalid = 0
    for (const [name, value] of new URLSearchParams(query)) {
      if (name === 'have') {
        if (ID.test(value)) have = value
        continue
      }
      if (name !== 'menu' && name !== 'link' && name !== 'fragment') continue
      if (menus.size + links.size + fragments.size >= maxWishes) {
        surplus++
        continue
      }
      if (name === 'menu') {
        if (value !== '' && value.length <= MOST_NAME_LENGTH) menus.add(value)
        else invalid++
      } else if (name === 'link') {
        if (value.length <= MOST_LINK_LENGTH && readSitePath(value)) links.add(value)
        else invalid++
      } else {
        const about = marks.read(value)
        if (about) fragments.set(value, { mark: value, service: about.service, ref: about.ref })
        else invalid++
      }
    }
    const sorted = {
      menus: [...menus].sort(),
      links: [...links].sort(),
      fragments: [...fragments.values()].sort((a, b) => (a.mark < b.mark ? -1 : 1)),
    }
    return { wishes: { key: keyOf(sorted), ...sorted }, have, surplus, invalid }
  }

  return (query) => {
    const before = known.get(query)
    if (before !== undefined) return before
    const wanted = read(query)
    known.add(query, wanted)
    return wanted
  }
}

function keyOf({ menus, links, fragments }: Omit<Wishes, 'key'>): string {
  const text = JSON.stringify([menus, links, fragments.map(({ mark }) => mark)])
  return createHash('sha256').update(text).digest('base64url')
}
