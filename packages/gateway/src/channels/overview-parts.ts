/**
 * Parts of overviews as JSON, each with the hash of what it says.
 *
 * Written and hashed once for all services, and again only where something changed.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import {
  checkedText,
  type MenuEntry,
  type Overview,
  type OverviewPart,
  type OverviewParts,
  type OverviewService,
} from '@hydra-gateway/protocol'

export interface TextPart extends OverviewPart {
  readonly text: string
}

/** A part of a menu; its items are written when somebody compares them. */
export interface MenuPart extends TextPart {
  items(): readonly TextPart[]
}

/** All parts of an overview as some services are told it. */
export interface WrittenParts extends OverviewParts {
  /** Of the overview. */
  readonly hash: string
  /** Of the parts: who has the same has the same parts. */
  readonly check: string
  readonly services: readonly TextPart[]
  readonly menus: readonly MenuPart[]
  readonly restText: string
}

/** As a delta says hashes: 72 bits of SHA-256 in base64url. */
export function partDigest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 12)
}

/** Writes parts of overviews; `told` is an overview as it is said to some services, `shared` what it was made of. */
export function createOverviewParts() {
  /** By what they were made of, for as long as that lives. */
  const made = new WeakMap<OverviewService, TextPart>()
  let last: Overview | undefined
  let services: readonly TextPart[] = []
  let menus: readonly MenuPart[] = []

  const read = (shared: Overview): void => {
    if (shared === last) return
    last = shared
    const knownServices = new Map(services.map((part) => [part.name, part]))
    const knownMenus = new Map(menus.map((part) => [part.name, part]))
    services = shared.services.map((service) => {
      let part = made.get(service)
      if (!part) {
        const text = JSON.stringify(service)
        const before = knownServices.get(service.serviceName)
        part = before?.text === text ? before : { name: service.serviceName, hash: partDigest(text), text }
        made.set(service, part)
      }
      return part
    })
    menus = Object.entries(shared.menus).map(([name, items]) => {
      const text = JSON.stringify(items)
      const before = knownMenus.get(name)
      return before?.text === text
        ? before
        : { name, hash: partDigest(text), text, items: () => items.map(itemPart) }
    })
  }
  return (shared: Overview, told: Overview): WrittenParts => {
    read(shared)
    const { type: _type, hash, services: _services, menus: _menus, ...others } = told
    const restText = JSON.stringify(others)
    const parts = { services, menus, rest: partDigest(restText) }
    return { ...parts, hash, check: partDigest(checkedText(parts)), restText }
  }
}

function itemPart(item: MenuEntry): TextPart {
  const text = JSON.stringify(item)
  return { name: item.endpoint, hash: text, text }
}
