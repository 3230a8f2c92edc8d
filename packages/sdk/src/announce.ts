/**
 * The list a person reads at start: what is offered, and what stays inside for which reason. Pure.
 *
 * @module
 */
import type { Selection } from './exported.ts'

export interface Announced {
  readonly name: string
  readonly port: number
  readonly selection: Selection
  readonly sockets: readonly string[]
  readonly statics: number
}

/** Long lists are cut here: the dashboard and `hydra routes` show all of them. */
const MOST_LINES = 40

/**
 * ```
 * orders offers 2 routes from port 3001
 *   GET       /orders
 *   GET POST  /orders/{id}
 *   stays inside: /metrics (for operators; name it in include to offer it)
 * ```
 */
export function announce({ name, port, selection, sockets, statics }: Announced): string {
  const rows = selection.exported
    .filter(({ patterns }) => patterns.length > 0)
    .flatMap(({ declaration, patterns }) =>
      patterns.map(({ text }) => ({
        methods: shown(declaration.methods),
        path: `${declaration.host ?? ''}${text}${declaration.to ? ` → ${declaration.to}` : ''}`,
      })),
    )
  rows.push(...sockets.map((path) => ({ methods: 'WebSocket', path })))
  if (statics > 0)
    rows.push({ methods: 'static', path: `/${name}/… (${statics} ${statics === 1 ? 'file' : 'files'})` })
  const width = Math.max(...rows.map(({ methods }) => methods.length), 0)
  const lines = rows.map(({ methods, path }) => `  ${methods.padEnd(width)}  ${path}`)
  const kept = selection.leftOut.map(({ path, reason }) => `  stays inside: ${path} (${reason})`)
  const count = rows.length === 0 ? 'no routes' : rows.length === 1 ? '1 route' : `${rows.length} routes`
  return [`${name} offers ${count} from port ${port}`, ...cut(lines), ...cut(kept)].join('\n')
}

/** OPTIONS, and HEAD beside GET, come along by themselves and would only be noise. */
function shown(methods: readonly string[] | undefined): string {
  if (!methods) return 'any'
  const hidden = methods.includes('GET') ? ['OPTIONS', 'HEAD'] : ['OPTIONS']
  return methods.filter((method) => !hidden.includes(method)).join(' ') || methods.join(' ')
}

function cut(lines: readonly string[]): readonly string[] {
  if (lines.length <= MOST_LINES) return lines
  return [...lines.slice(0, MOST_LINES - 1), `  … and ${lines.length - MOST_LINES + 1} more`]
}
