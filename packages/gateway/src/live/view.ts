/**
 * A view: what streams are told whose pages want the same and whose visitors see the same. It is looked up once for all
 * of them, and written once.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import type { LinkView, MenuView } from '@hydra-gateway/protocol'
import type { Caller } from '../identity/port.ts'
import type { SiteMenus } from '../menus/port.ts'
import { stateFrame } from './frames.ts'
import type { Wishes } from './wishes.ts'

/** What is looked at. */
export interface Sight {
  readonly menus: Pick<SiteMenus, 'view' | 'link'>
  /** Whether somebody renders a fragment now. */
  readonly fragmentState: (service: string, ref: string) => boolean
}

/** What every page is told with the first state. */
export interface PageFacts {
  readonly spreadMs: number
  readonly beatMs: number
}

export class View<Stream extends { readonly caller: Caller | undefined }> {
  readonly key: string
  /** Of links; they may be others on other hosts. */
  readonly host: string
  readonly wishes: Wishes
  /** Never empty but while one is made or thrown away. */
  readonly streams: Stream[] = []
  /** Fingerprint of the present state, and of the one before it. */
  id = ''
  before = ''
  /** What leads from the one before to the present one, while streams are told of it. */
  change: Buffer | undefined = undefined
  /** JSON of each wish, in their order: menus, links, fragments. Undefined: there is nothing to say of it. */
  #parts: (string | undefined)[] = []
  #whole: Buffer | undefined = undefined
  readonly #facts: PageFacts

  constructor(key: string, host: string, wishes: Wishes, facts: PageFacts) {
    this.key = key
    this.host = host
    this.wishes = wishes
    this.#facts = facts
  }

  /** Looks how things are; true when something is other than before. */
  refresh(sight: Sight, caller: Caller | undefined): boolean {
    const parts = this.#look(sight, caller)
    const before = this.#parts
    if (this.id !== '' && parts.every((part, i) => part === before[i])) return false
    const text = this.#textOf(parts, () => true)
    const id = createHash('sha256').update(text).digest('base64url').slice(0, 16)
    this.#parts = parts
    this.#whole = undefined
    if (id === this.id) return false
    if (this.id !== '') {
      const isNews = (i: number): boolean => parts[i] !== before[i]
      const taken = (i: number): string => (i < this.wishes.menus.length ? '[]' : AVAILABLE)
      // What nobody knows any more is given back: nothing keeps a link from leading where it wants.
      const told = parts.map((part, i) => part ?? (isNews(i) ? taken(i) : undefined))
      this.change = stateFrame(id, this.#textOf(told, isNews))
    }
    this.before = this.id
    this.id = id
    return true
  }

  #look({ menus, fragmentState }: Sight, caller: Caller | undefined): (string | undefined)[] {
    const { wishes, host } = this
    const parts: (string | undefined)[] = []
    for (const name of wishes.menus) {
      const view = menus.view(name, caller)
      parts.push(view && itemsText(view))
    }
    for (const path of wishes.links) {
      const link = menus.link(path, host, caller)
      parts.push(link && linkText(link))
    }
    for (const { service, ref } of wishes.fragments)
      parts.push(fragmentState(service, ref) ? 'true' : 'false')
    return parts
  }

  /** The first state of a page, or all of it once more for one that fell behind. */
  whole(): Buffer {
    this.#whole ??= stateFrame(
      this.id,
      this.#textOf(this.#parts, () => true, this.#facts),
    )
    return this.#whole
  }

  /** The first state of a page that knows how things are. */
  known(): Buffer {
    return stateFrame(this.id, JSON.stringify(this.#facts))
  }

  /** Thousands of pages may each show something else beside a large menu: who falls behind is told all of it. */
  wasTold(): void {
    this.change = undefined
  }

  /** Lets go of what can be made again. */
  cool(): void {
    this.#whole = undefined
  }

  #textOf(
    parts: readonly (string | undefined)[],
    isTold: (i: number) => boolean,
    facts: PageFacts | undefined = undefined,
  ): string {
    const { menus, links, fragments } = this.wishes
    let i = 0
    const record = (name: string, keys: readonly string[]): string | undefined => {
      const members: string[] = []
      for (const key of keys) {
        const part = parts[i]
        if (part !== undefined && isTold(i)) members.push(`${JSON.stringify(key)}:${part}`)
        i++
      }
      return members.length > 0 ? `"${name}":{${members.join()}}` : undefined
    }
    const records = [
      record('menus', menus),
      record('links', links),
      record(
        'fragments',
        fragments.map(({ mark }) => mark),
      ),
      facts && JSON.stringify(facts).slice(1, -1),
    ]
    return `{${records.filter((each) => each !== undefined).join()}}`
  }
}

/** All visitors who see the same of a menu have the same object. */
const itemTexts = new WeakMap<MenuView, string>()

function itemsText(view: MenuView): string {
  const before = itemTexts.get(view)
  if (before !== undefined) return before
  const text = JSON.stringify(view.items)
  itemTexts.set(view, text)
  return text
}

const AVAILABLE = '{"state":"available"}'

/** Nearly all links are available. */
function linkText(link: LinkView): string {
  return link.state === 'available' && link.reason === undefined ? AVAILABLE : JSON.stringify(link)
}
