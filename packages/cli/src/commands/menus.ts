/**
 * `hydra menus`
 *
 * @module
 */
import type { Style } from '@hydra-gateway/gateway/terminal'
import {
  type MenuInfo,
  type MenuNode,
  type MenusAnswer,
  menuTree,
  type WantedMenuInfo,
} from '@hydra-gateway/protocol'
import { openAdmin } from '../admin.ts'
import { defineCommand, GATEWAY_ARGS } from '../command.ts'
import { asJson, CommandError, EXIT } from '../io.ts'
import { didYouMean } from '../meant.ts'
import { type Column, formatCount, formatTable, indented, narrower, printable } from '../table.ts'
import { wrap } from '../wrap.ts'
import { who } from './routes.ts'

export const menus = defineCommand({
  name: 'menus',
  summary: 'List the menus of all services: what leads where, in which state, and for whom',
  args: {
    ...GATEWAY_ARGS,
    menu: { type: 'string', valueHint: 'NAME', description: 'This menu only' },
  },
  examples: [
    ['hydra menus --menu main', 'one of them'],
    ["hydra menus --json | jq '.faults'", 'for a program'],
  ],
  async run({ gateway, config, json, menu }, io) {
    const admin = await openAdmin({ gateway, config }, io)
    const answer = filter(await admin.menus(), menu)
    io.out(json ? asJson(answer) : formatMenus(answer, admin.url, io.style.out))
    return EXIT.ok
  },
})

function filter(answer: MenusAnswer, menu: string | undefined): MenusAnswer {
  if (menu === undefined) return answer
  const faults = answer.faults.filter((one) => one.menu === menu)
  const listed = answer.menus.filter(({ name }) => name === menu)
  const wanted = answer.wanted?.filter(({ name }) => name === menu)
  // All of a menu may have been left out: then its faults say so.
  if (listed.length === 0 && faults.length === 0 && !wanted?.length) {
    const known = answer.menus.map(({ name }) => name)
    throw new CommandError(`No menu is called ${printable(menu)}${didYouMean(menu, known)}`, EXIT.problem)
  }
  return { ...answer, menus: listed, faults, ...(wanted && { wanted }) }
}

/** The menus as people read them. */
export function formatMenus(
  { revision, menus: listed, faults, moreFaults = 0, wanted = [] }: MenusAnswer,
  url: string,
  style: Style,
): string {
  const lines = [
    `${style.mark}${style.underline(url)}   ${style.dim(`revision ${formatCount(revision)}`)}`,
    ...wrap(sentence(listed), style.columns - 2).map((line) => `  ${line}`),
  ]
  for (const { name, items } of listed) {
    if (items.length === 0) continue
    const rows = rowsOf(menuTree(items.map((item) => ({ ...item, path: item.endpoint }))))
    lines.push('', `  ${style.bold(printable(name))}`)
    lines.push(...indented(formatTable(rows, COLUMNS(style), narrower(style))))
  }
  if (faults.length > 0) {
    const what = faults.length === 1 ? '1 item is' : `${formatCount(faults.length)} items are`
    lines.push('', `  ${style.warning('▲')} ${what} not as somebody meant.`)
    for (const { service, reason } of faults) {
      lines.push('', `    ${style.bold(printable(service))}`)
      lines.push(...wrap(printable(reason), style.columns - 6).map((line) => `      ${line}`))
    }
  }
  if (moreFaults > 0) lines.push('', `  and ${formatCount(moreFaults)} more.`)
  if (wanted.length > 0) {
    const what = wanted.length === 1 ? '1 menu is' : `${formatCount(wanted.length)} menus are`
    lines.push('', `  ${style.warning('▲')} ${what} asked for, and nobody has an item in it.`)
    for (const one of wanted) {
      const asked = wrap(askedFor(one), style.columns - 6).map((line) => `      ${line}`)
      lines.push('', `    ${style.bold(printable(one.name))}`, ...asked)
    }
  }
  return style.plain(`${lines.join('\n')}\n`)
}

/** Who asks for a menu that nobody has, in a sentence. */
export function askedFor({ name, service, path, meant }: WantedMenuInfo): string {
  const what = `${printable(service)} asks for menu ${JSON.stringify(printable(name))} at ${printable(path)}`
  return meant === undefined
    ? `${what}. Add an item to it, or correct the name.`
    : `${what}; did you mean ${printable(meant)}?`
}

type Item = MenuInfo['items'][number] & { readonly path: string }

/** A line of a menu: an item, or the heading of some. */
interface Row {
  readonly depth: number
  readonly label: string
  readonly item?: Item
}

function rowsOf(nodes: readonly MenuNode<Item>[], depth = 0): Row[] {
  return nodes.flatMap((node) => {
    const row: Row =
      'group' in node ? { depth, label: node.group } : { depth, label: node.item.label, item: node.item }
    return [row, ...rowsOf(node.children, depth + 1)]
  })
}

function sentence(listed: readonly MenuInfo[]): string {
  const items = listed.flatMap((menu) => menu.items)
  if (items.length === 0) return 'No service has an item in a menu.'
  const total = `${count(items.length, 'item')} in ${count(listed.length, 'menu')}`
  const away = items.filter(({ state }) => state === 'down')
  if (away.length === 0) return `${total}, and each leads to a page that is served.`
  const named = away.slice(0, 3).map(({ label }) => printable(label))
  const others = away.length > named.length ? ` and ${formatCount(away.length - named.length)} more` : ''
  return `${total}; not available now: ${named.join(', ')}${others}.`
}

const count = (number: number, what: string) => `${formatCount(number)} ${what}${number === 1 ? '' : 's'}`

const COLUMNS = (style: Style): Column<Row>[] => [
  { title: 'STATE', cell: ({ item }) => (item ? style.state(item.state) : '') },
  {
    title: 'ITEM',
    cell: ({ depth, label, item }) =>
      `${'  '.repeat(depth)}${item ? printable(label) : style.dim(printable(label))}`,
  },
  { title: 'PATH', cell: ({ item }) => printable(item?.endpoint ?? '') },
  { title: 'SERVICE', cell: ({ item }) => printable(item ? servicesOf(item) : '') },
  { title: 'FOR', cell: ({ item }) => printable(item ? forWhom(item) : '') },
]

function servicesOf({ service, leadsTo }: Item): string {
  if (leadsTo === undefined) return service
  return leadsTo === '' ? `${service}, leads nowhere` : `${service}, leads to ${leadsTo}`
}

function forWhom({ demands = [], signedOut }: Item): string {
  if (demands.length === 0) return 'everybody'
  const parts = demands.map((demand) => {
    const { roles, service } = demand
    return roles ? `${who(demand)} of ${service}` : who(demand)
  })
  const asked = [...new Set(parts)].join(', and ')
  return signedOut === 'show' ? `${asked}; shown to who is not signed in` : asked
}
