/**
 * What a death does to the menus of pages that are open, as one sentence: from the gateway's events.
 *
 * @module
 */
import type { SiteEvent } from '@hydra-gateway/protocol'

export interface MenuNews {
  /** A process of a service is killed. Epoch ms. */
  killed(service: string, at: number): void
  /** A sentence for an event of the gateway, where there is one. */
  read(event: SiteEvent): Promise<{ service: string; text: string } | undefined>
}

export interface MenuNewsDeps {
  /** Labels of all items, by path. */
  labels(): Promise<ReadonlyMap<string, string>>
  /** Streams of open pages; all tabs of a browser share one. */
  streams(): Promise<number>
}

/** Menus that change later have another cause. */
const SOON_MS = 3000

export function createMenuNews({ labels, streams }: MenuNewsDeps): MenuNews {
  let last: { readonly service: string; readonly at: number; isDown: boolean } | undefined

  return {
    killed(service, at) {
      last = { service, at, isDown: false }
    },
    async read(event) {
      if (!last) return undefined
      // One of several that dies changes no menu.
      if (event.kind === 'service' && event.service === last.service) last.isDown = event.state === 'down'
      if (event.kind !== 'menu' || !last.isDown || event.at - last.at > SOON_MS) return undefined
      const { service, at } = last
      last = undefined
      const [known, count] = await Promise.all([labels(), streams()])
      const names = event.changed.map((path) => known.get(path) ?? path).join(', ')
      const where = count === 0 ? 'the menu' : `${count} ${count === 1 ? 'browser' : 'browsers'}`
      // What matters first: a terminal may cut the rest.
      return { service, text: `${Math.max(0, event.at - at)} ms later disabled in ${where}: ${names}` }
    },
  }
}
