/**
 * What operators are told of menus: every item, whoever may see it, and what is wrong with some.
 *
 * @module
 */
import type { MenusAnswer, WantedMenuInfo } from '@hydra-gateway/protocol'
import type { Registry } from '../registry/registry.ts'

/** Everything `/_hydra/api/v1/menus` lists. */
export function listMenus(
  { overview, menuFaults }: Pick<Registry, 'overview' | 'menuFaults'>,
  wanted: { list(): readonly WantedMenuInfo[] },
): Omit<MenusAnswer, 'revision'> {
  const { menus } = overview()
  const { listed, more } = menuFaults()
  return {
    menus: Object.entries(menus).map(([name, items]) => ({ name, items })),
    faults: listed,
    ...(more > 0 ? { moreFaults: more } : {}),
    wanted: [...wanted.list()],
  }
}
