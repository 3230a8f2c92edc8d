/**
 * The list a person reads at start: what is offered, and what stays inside for which reason. Pure.
 *
 * @module
 */
import type { Selection } from './exported.ts'
import type { FragmentDefinition } from './fragments/definition.ts'
import {
  type AccessOptions,
  described as describedAccess,
  isForEverybody,
  withUsual,
} from './identity/access.ts'
import type { ServiceOptions, SocketOption } from './options.ts'
import { menusOf } from './registration.ts'

export interface Announced {
  readonly name: string
  readonly port: number
  readonly selection: Selection
  /** Whom the service is for, where its parts don't say. @default everybody */
  readonly access?: AccessOptions
  readonly sockets: readonly SocketOption[]
  readonly statics: number
  readonly fragments?: readonly FragmentDefinition[]
  readonly menu?: ServiceOptions['menu']
  /** Fragments of others its pages ask for. */
  readonly uses?: readonly { readonly service: string; readonly ref: string; readonly place: string }[]
}

/** Long lists are cut here: the dashboard and `hydra routes` show all of them. */
const MOST_LINES = 40
const MOST_ITEMS = 8

/**
 * ```
 * orders offers 2 routes and 1 fragment from port 3001
 *   GET       /orders
 *   GET POST  /orders/{id}
 *   fragment  checkout (imports sku; exports total)
 *   asks for  left of stock (product.html:12:5)
 *   menu      main: Orders, Returns (STAFF)
 *   stays inside: /metrics (for operators; name it in include to offer it)
 * ```
 */
export function announce({
  name,
  port,
  selection,
  access = {},
  sockets,
  statics,
  fragments = [],
  uses = [],
  menu,
}: Announced): string {
  const rows = selection.exported
    .filter(({ patterns }) => patterns.length > 0)
    .flatMap(({ declaration, patterns }) =>
      patterns.map(({ text }) => ({
        methods: declaration.socket ? 'WebSocket' : shown(declaration.methods),
        path: `${declaration.host ?? ''}${text}${declaration.to ? ` → ${declaration.to}` : ''}${forWhom(declaration, access)}`,
      })),
    )
  rows.push(
    ...sockets.map((socket) =>
      typeof socket === 'string'
        ? { methods: 'WebSocket', path: `${socket}${forWhom({}, access)}` }
        : { methods: 'WebSocket', path: `${socket.path}${forWhom(socket, access)}` },
    ),
  )
  if (statics > 0)
    rows.push({
      methods: 'static',
      path: `/${name}/… (${[`${statics} ${statics === 1 ? 'file' : 'files'}`, who({}, access)].filter(Boolean).join('; ')})`,
    })
  const offered = counted(rows.length, 'route') ?? 'no routes'
  const rendered = counted(fragments.length, 'fragment')
  const count = rendered && rows.length === 0 ? rendered : rendered ? `${offered} and ${rendered}` : offered
  rows.push(...fragments.map((fragment) => ({ methods: 'fragment', path: described(fragment, access) })))
  rows.push(
    ...uses.map(({ ref, service, place }) => ({
      methods: 'asks for',
      path: `${ref} of ${service} (${place})`,
    })),
  )
  rows.push(...Object.entries(menusOf(menu)).flatMap(([name, items]) => menuRow(name, items)))
  const width = Math.max(...rows.map(({ methods }) => methods.length), 0)
  const lines = rows.map(({ methods, path }) => `  ${methods.padEnd(width)}  ${path}`)
  const kept = selection.leftOut.map(({ path, reason }) => `  stays inside: ${path} (${reason})`)
  return [`${name} offers ${count} from port ${port}`, ...cut(lines), ...cut(kept)].join('\n')
}

/** OPTIONS, and HEAD beside GET, come along by themselves and would only be noise. */
function shown(methods: readonly string[] | undefined): string {
  if (!methods) return 'any'
  const hidden = methods.includes('GET') ? ['OPTIONS', 'HEAD'] : ['OPTIONS']
  return methods.filter((method) => !hidden.includes(method)).join(' ') || methods.join(' ')
}

function counted(count: number, what: string): string | undefined {
  return count === 0 ? undefined : count === 1 ? `1 ${what}` : `${count} ${what}s`
}

/** What is asked of visitors in the end: the words of the part, and those of the service where it has none. */
function who(own: AccessOptions, usual: AccessOptions): string {
  const words = describedAccess(withUsual(own, usual))
  // One that opens what the service has closed should be seen.
  return words === '' && !isForEverybody(usual) ? 'everybody' : words
}

function forWhom(own: AccessOptions, usual: AccessOptions): string {
  const words = who(own, usual)
  return words === '' ? '' : ` (${words})`
}

function described({ ref, options }: FragmentDefinition, usual: AccessOptions): string {
  const { imports, exports = [] } = options
  const crossing = [
    who(options, usual),
    imports === undefined ? 'imports anything' : imports.length > 0 && `imports ${imports.join(', ')}`,
    exports.length > 0 && `exports ${exports.join(', ')}`,
  ].filter(Boolean)
  return crossing.length > 0 ? `${ref} (${crossing.join('; ')})` : ref
}

function menuRow(name: string, items: ReturnType<typeof menusOf>[string]) {
  if (items.length === 0) return []
  const shown = items
    .slice(0, MOST_ITEMS)
    .map(({ label, roles }) => (roles ? `${label} (${roles.join(' or ')})` : label))
  const more = items.length > MOST_ITEMS ? ` … and ${items.length - MOST_ITEMS} more` : ''
  return [{ methods: 'menu', path: `${name}: ${shown.join(', ')}${more}` }]
}

function cut(lines: readonly string[]): readonly string[] {
  if (lines.length <= MOST_LINES) return lines
  return [...lines.slice(0, MOST_LINES - 1), `  … and ${lines.length - MOST_LINES + 1} more`]
}
