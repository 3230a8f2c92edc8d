/**
 * `hydra routes`
 *
 * @module
 */
import type { Style } from '@hydra-gateway/gateway/terminal'
import type { ConflictInfo, RefusedInfo, RouteInfo, RoutesAnswer } from '@hydra-gateway/protocol'
import { mustBeKnown, openAdmin } from '../admin.ts'
import { defineCommand, GATEWAY_ARGS } from '../command.ts'
import { EXIT } from '../io.ts'
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
    io.out(
      json
        ? `${JSON.stringify(answer, undefined, 2)}\n`
        : formatRoutes(answer, admin.url, io.style.out, statics),
    )
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
  }
}

/** The list as people read it. */
export function formatRoutes(answer: RoutesAnswer, url: string, style: Style, withStatics: boolean): string {
  const { revision, routes, conflicts, refused } = answer
  const shown = withStatics ? routes : routes.filter(({ kind }) => kind !== 'static')
  const hidden = routes.length - shown.length
  const sorted = shown.toSorted((a, b) => compare(a.service, b.service) || compare(a.pattern, b.pattern))
  const lines = [
    `${style.mark}${style.underline(url)}   ${style.dim(`revision ${formatCount(revision)}`)}`,
    `  ${formatCount(routes.length)} ${routes.length === 1 ? 'route' : 'routes'}${hidden > 0 ? `, of which ${formatCount(hidden)} static (shown with --statics)` : ''}.`,
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
  return style.plain(`${lines.join('\n')}\n`)
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
const count = (number: number, what: string) => `${formatCount(number)} ${what}${number === 1 ? '' : 's'}`
const methodsOf = ({ methods }: { methods?: readonly string[] }) => methods?.join(' ') ?? 'any'
const hostOf = ({ host }: { host?: string }) => printable(host ?? 'any')

/** Whom a route is for, in few words: `everybody`, `signed in`, `ADMIN or OWNER, by corp`. */
function forWhom({ auth, roles, providers }: RouteInfo): string {
  if (auth !== 'required') return 'everybody'
  const who = roles ? roles.join(' or ') : 'signed in'
  return printable(providers ? `${who}, by ${providers.join(' or ')}` : who)
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
