/**
 * What is wrong with items of menus, in sentences for who wrote them.
 *
 * @module
 */
import type { MenuFault } from '@hydra-gateway/protocol'

/** A fault before it is a sentence. `other`: the service that has the path, or the item, where there is one. */
export interface FoundFault {
  readonly fault: MenuFault['fault']
  readonly menu: string
  readonly endpoint: string
  readonly service: string
  readonly other?: string | undefined
  readonly parent?: string | undefined
  /** Some routes of the site are for one host only. */
  readonly hasHosts?: boolean | undefined
}

/** What was found, of each service the first of them. */
export interface MenuFaults {
  readonly listed: readonly MenuFault[]
  /** How many there are beyond those. */
  readonly more: number
  /** Of one service. */
  of(service: string): { readonly listed: readonly MenuFault[]; readonly more: number }
}

/** Of one service: whoever reads a hundred knows enough. */
const MOST_LISTED = 100
const LEFT_OUT: ReadonlySet<MenuFault['fault']> = new Set(['duplicate', 'surplus', 'path'])
const NONE = Object.freeze({ listed: Object.freeze([]), more: 0 })

export const NO_FAULTS: MenuFaults = Object.freeze({ ...NONE, of: () => NONE })

/** Gathers faults; `done` when all are there. `maxItems`: as it is set. */
export function gatherFaults(maxItems: number): { add(found: FoundFault): void; done(): MenuFaults } {
  const byService = new Map<string, { listed: MenuFault[]; more: number }>()
  return {
    add(found) {
      let known = byService.get(found.service)
      if (!known) {
        known = { listed: [], more: 0 }
        byService.set(found.service, known)
      }
      if (known.listed.length >= MOST_LISTED) known.more++
      else known.listed.push(faultOf(found, maxItems))
    },
    done() {
      const services = [...byService].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, found]) => found)
      return {
        listed: services.flatMap(({ listed }) => listed),
        more: services.reduce((sum, { more }) => sum + more, 0),
        of: (service) => byService.get(service) ?? NONE,
      }
    },
  }
}

function faultOf(found: FoundFault, maxItems: number): MenuFault {
  const { fault, menu, endpoint, service } = found
  return {
    fault,
    menu,
    endpoint: shortened(endpoint),
    service,
    isShown: !LEFT_OUT.has(fault),
    reason: reasonFor(found, maxItems),
  }
}

function reasonFor(
  { fault, menu, endpoint, service, other, parent, hasHosts }: FoundFault,
  maxItems: number,
): string {
  const item = `${quoted(endpoint)} of menu ${quoted(menu)}`
  switch (fault) {
    case 'path':
      return `${item} is left out: it is no address of this site. Write a path such as /orders, without parameters.`
    case 'duplicate':
      return other === service
        ? `${item} is there twice, and left out once: ${service} declares it again. Remove one of the two.`
        : `${item} is left out: ${other} has an item that leads there. Remove one of the two.`
    case 'surplus':
      return `${item} is left out: a menu has at most ${maxItems} items. Declare fewer, or raise menus.maxItems.`
    case 'other-service':
      return `${item} leads to ${other}, and is shown with the state of that service. Let ${other} declare it, if this is not meant.`
    case 'unknown-route':
      return `${item} leads nowhere, and is shown as not available: no service has a page there${hasHosts ? ' for every host' : ''}. Declare the route, or correct the path.`
    case 'unknown-parent':
      return `${item} stands at the top: ${quoted(parent ?? '')} is no item of this menu it could stand below. Name the path of another item as parent.`
  }
}

const MOST_LETTERS = 200
const shortened = (text: string) => (text.length > MOST_LETTERS ? `${text.slice(0, MOST_LETTERS)}…` : text)
const quoted = (text: string) => JSON.stringify(shortened(text))
