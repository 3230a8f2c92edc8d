/**
 * `hydra routes`
 *
 * @module
 */
import { fold, type Style } from '@hydra-gateway/gateway/terminal'
import type { ConflictInfo, RefusedInfo, RouteInfo, RoutesAnswer } from '@hydra-gateway/protocol'
import { mustBeKnown, openAdmin } from '../admin.ts'
import { defineCommand, GATEWAY_ARGS } from '../command.ts'
import { asJson, EXIT } from '../io.ts'
import { type Column, formatCount, formatTable, indented, narrower, printable } from '../table.ts'

export const routes = defineCommand({
  name: 'routes',
  summary: 'List which service serves which address, and who wanted one that was taken',
  args: {
    ...GATEWAY_ARGS,
    service: { type: 'string', valueHint: 'NAME', description: 'Routes of this service only' },
    statics: {
      type: 'boolean',
      default: false,
      description: 'List static files too; otherwise they are counted',
    },
  },
  examples: [
    ['hydra routes --service orders', 'of one service'],
    ['hydra routes --json | jq .conflicts', 'for a program'],
  ],
  async run({ gateway, config, json, service, statics }, io) {
    const admin = await openAdmin({ gateway, config }, io)
    if (service !== undefined) await mustBeKnown(service, admin)
    const answer = filter(await admin.routes(), service)
    io.out(json ? asJson(answer) : formatRoutes(answer, admin.url, io.style.out, statics))
    return EXIT.ok
  },
})

function filter(answer: RoutesAnswer, service: string | undefined): RoutesAnswer {
  if (service === undefined) return answer
  return {
    ...answer,
    routes: answer.routes.filter((route) => route.service === service),
    conflicts: answer.conflicts.filter(
      ({ incumbent, newcomer }) => incumbent === service || newcomer === service,
    ),
    refused: answer.refused.filter((refused) => refused.service === service),
    ...(answer.warnings && { warnings: answer.warnings.filter((warning) => warning.service === service) }),
  }
}

/** The list as people read it. */
export function formatRoutes(answer: RoutesAnswer, url: string, style: Style, withStatics: boolean): string {
  const { revision, routes, conflicts, refused, warnings = [] } = answer
  const others = withoutAside(routes)
  const aside = routes.length - others.length
  const shown = withStatics ? others : others.filter(({ kind }) => kind !== 'static')
  const statics = others.length - shown.length
  const hidden = [
    ...(statics > 0 ? [`${formatCount(statics)} static (--statics shows them)`] : []),
    ...(aside > 0
      ? [`${formatCount(aside)} for OPTIONS alone, of paths that have others (--json shows them)`]
      : []),
  ]
  const sorted = shown.toSorted((a, b) => compare(a.service, b.service) || compare(a.pattern, b.pattern))
  const lines = [
    `${style.mark}${style.underline(url)}   ${style.dim(`revision ${formatCount(revision)}`)}`,
    fold(
      `  ${formatCount(routes.length)} ${routes.length === 1 ? 'route' : 'routes'}${hidden.length > 0 ? `; not shown: ${hidden.join(' and ')}` : ''}.`,
      style.columns,
    ),
  ]
  if (sorted.length > 0) lines.push('', ...formatTable(sorted, COLUMNS(style), style))
  if (conflicts.length > 0) {
    lines.push(
      '',
      `  ${style.warning('▲')} ${count(conflicts.length, 'conflict')}: whoever was first keeps serving.`,
      '',
    )
    lines.push(...indented(formatTable(conflicts, CONFLICT_COLUMNS, narrower(style))))
  }
  if (refused.length > 0) {
    lines.push('', `  ${style.warning('▲')} ${count(refused.length, 'route')} left out.`, '')
    lines.push(...indented(formatTable(refused, REFUSED_COLUMNS, narrower(style))))
  }
  if (warnings.length > 0)
    lines.push(
      '',
      ...warnings.map(({ warning }) => fold(`  ${style.warning('▲')} ${printable(warning)}`, style.columns)),
    )
  return style.plain(`${lines.join('\n')}\n`)
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
const count = (number: number, what: string) => `${formatCount(number)} ${what}${number === 1 ? '' : 's'}`
const methodsOf = ({ methods }: { methods?: readonly string[] }) => methods?.join(' ') ?? 'any'
const hostOf = ({ host }: { host?: string }) => printable(host ?? 'any')

/** Frameworks answer OPTIONS before guards, so every guarded route has one for everybody beside it: it is no news. */
function withoutAside(routes: readonly RouteInfo[]): readonly RouteInfo[] {
  const placeOf = ({ service, host, pattern }: RouteInfo) => JSON.stringify([service, host, pattern])
  const isAside = ({ methods }: RouteInfo) => methods?.join() === 'OPTIONS'
  const places = new Set(routes.filter((route) => !isAside(route)).map(placeOf))
  return routes.filter((route) => !isAside(route) || !places.has(placeOf(route)))
}

/**
 * Whom a route is for, in few words: `everybody`, `signed in`, `ADMIN or OWNER, by corp`. What the operator's rules say
 * is marked, also where they do so for some of its paths: `everybody; STAFF at /desk/admin/** (rule)`.
 */
function forWhom(route: RouteInfo): string {
  const { rule, exceptions = [] } = route
  const parts = exceptions.map((one) => `${who(one)} at ${one.path} (rule)`)
  return printable([`${who(route)}${rule ? ' (rule)' : ''}`, ...parts].join('; '))
}

/** Whom something is for: `STAFF or ADMIN, by github`. */
export function who({ auth, roles, providers }: Pick<RouteInfo, 'auth' | 'roles' | 'providers'>): string {
  if (auth !== 'required') return 'everybody'
  const some = roles && roles.length > 0 ? roles.join(' or ') : 'signed in'
  return providers && providers.length > 0 ? `${some}, by ${providers.join(' or ')}` : some
}

const COLUMNS = (style: Style): Column<RouteInfo>[] => [
  { title: 'STATE', cell: ({ state }) => style.state(state) },
  { title: 'PATH', cell: ({ pattern }) => printable(pattern) },
  { title: 'SERVICE', cell: ({ service }) => printable(service) },
  { title: 'KIND', cell: ({ kind }) => kind },
  { title: 'FOR', cell: forWhom },
  { title: 'METHODS', cell: (route) => (route.kind === 'socket' ? 'upgrade' : methodsOf(route)) },
  { title: 'HOST', cell: hostOf },
]

const CONFLICT_COLUMNS: Column<ConflictInfo>[] = [
  { title: 'PATH', cell: ({ pattern }) => printable(pattern) },
  { title: 'WHY', cell: ({ reason }) => printable(reason) },
  { title: 'HOST', cell: hostOf },
]

const REFUSED_COLUMNS: Column<RefusedInfo>[] = [
  { title: 'PATH', cell: ({ path }) => printable(path) },
  { title: 'OF', cell: ({ service }) => printable(service) },
  { title: 'WHY', cell: ({ reason }) => printable(reason) },
]
