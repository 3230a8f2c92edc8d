/**
 * `hydra services` and `hydra services forget`; `drain` and `resume` are beside it
 *
 * @module
 */
import type { Style } from '@hydra-gateway/gateway/terminal'
import { type InstanceInfo, isServing, type ServiceInfo, type ServicesAnswer } from '@hydra-gateway/protocol'
import { openAdmin } from '../admin.ts'
import { defineCommand, GATEWAY_ARGS } from '../command.ts'
import { asJson, EXIT } from '../io.ts'
import { type Column, formatCount, formatTable, indented, narrower, printable, versionOf } from '../table.ts'
import { timeOf } from '../time.ts'
import { wrap } from '../wrap.ts'
import { drain, resume } from './drain.ts'

const forget = defineCommand({
  name: 'forget',
  summary: 'Forget a service that is down: its addresses become unknown (404) at once',
  args: {
    name: { type: 'positional', required: true, description: 'Name of the service' },
    gateway: GATEWAY_ARGS.gateway,
    config: GATEWAY_ARGS.config,
  },
  async run({ name, gateway, config }, io) {
    const admin = await openAdmin({ gateway, config }, io)
    await admin.forget(name)
    io.out(`${printable(name)} is forgotten.\n`)
    return EXIT.ok
  },
})

export const services = defineCommand({
  name: 'services',
  summary: 'List services, their state and their instances',
  args: {
    ...GATEWAY_ARGS,
    instances: { type: 'boolean', default: false, description: 'List every instance below its service' },
  },
  examples: [
    ['hydra services --instances', 'with every running process'],
    ["hydra services --json | jq '.services[].name'", 'for a program'],
    ['hydra services drain orders --instance 47753c63', 'an instance that is to be stopped'],
    ['hydra services forget orders', 'a service that will not come back'],
  ],
  subCommands: [drain, resume, forget],
  async run({ gateway, config, json, instances }, io) {
    const admin = await openAdmin({ gateway, config }, io)
    const answer = await admin.services()
    io.out(json ? asJson(answer) : formatServices(answer, admin.url, io.style.out, instances))
    return EXIT.ok
  },
})

/** The list as people read it. */
export function formatServices(
  { revision, services }: ServicesAnswer,
  url: string,
  style: Style,
  withInstances: boolean,
): string {
  const lines = [
    `${style.mark}${style.underline(url)}   ${style.dim(`revision ${formatCount(revision)}`)}`,
    `  ${siteSentence(services)}`,
  ]
  if (services.length > 0) lines.push('', ...formatTable(services, COLUMNS(style), style))
  for (const { name, state, reason } of services) {
    if (reason === undefined) continue
    const why = `${printable(name)} is ${state}: ${printable(reason)}.`
    const [first = '', ...more] = wrap(why, style.columns - 4)
    lines.push('', `  ${style.warning('▲')} ${first}`, ...more.map((line) => `    ${line}`))
  }
  if (withInstances) {
    for (const { name, instances } of services) {
      lines.push('', `  ${style.bold(printable(name))}`)
      if (instances.length === 0) lines.push('    no instance')
      else lines.push(...indented(formatTable(instances, INSTANCE_COLUMNS(style), narrower(style))))
    }
  }
  return style.plain(`${lines.join('\n')}\n`)
}

/** How a site is, in a sentence. */
export function siteSentence(services: readonly Pick<ServiceInfo, 'name' | 'state' | 'downSince'>[]): string {
  if (services.length === 0)
    return 'No service has registered yet. One does with  await connect({ name, port, routes })  of @hydra-gateway/sdk'
  const away = services.filter(({ state }) => !isServing(state))
  const total = services.length === 1 ? '1 service' : `${services.length} services`
  if (away.length === 0)
    return services.length === 1 ? 'The only service serves.' : `${total}, and all of them serve.`
  const named = away.slice(0, 3).map(({ name, state, downSince }) => {
    return `${printable(name)} is ${state}${downSince === undefined ? '' : ` since ${timeOf(downSince)}`}`
  })
  const others = away.length > 3 ? `; and ${away.length - 3} more` : ''
  return `${services.length - away.length} of ${total} ${services.length === 1 ? 'serves' : 'serve'}; ${named.join('; ')}${others}.`
}

const COLUMNS = (style: Style): Column<ServiceInfo>[] => [
  { title: 'STATE', cell: ({ state }) => style.state(state) },
  { title: 'SERVICE', cell: ({ name }) => printable(name) },
  {
    title: 'INSTANCES',
    align: 'right',
    // instances that left are not remembered, so how many there were is not known
    cell: ({ instances }) =>
      instances.length === 0
        ? 'none'
        : `${instances.filter(({ state }) => isServing(state)).length} of ${instances.length}`,
  },
  {
    title: 'VERSION',
    cell: ({ versions }) => versions.map(versionOf).join(', '),
  },
  {
    title: 'REQUESTS',
    align: 'right',
    cell: ({ instances }) => formatCount(sum(instances, ({ requests }) => requests)),
  },
  { title: 'FAILED', align: 'right', cell: ({ instances }) => formatCount(sum(instances, failedOf)) },
  { title: 'CHANNEL', cell: ({ channel }) => channel },
  { title: 'MENU', cell: (service) => menuOf(service) },
]

const INSTANCE_COLUMNS = (style: Style): Column<InstanceInfo>[] => [
  { title: 'STATE', cell: ({ state }) => style.state(state) },
  { title: 'ADDRESS', cell: ({ address }) => printable(address) },
  { title: 'VERSION', cell: ({ version }) => versionOf(version) },
  { title: 'NOTE', cell: ({ reason }) => printable(reason ?? '') },
  { title: 'UP SINCE', cell: ({ activeSince }) => timeOf(activeSince) },
  { title: 'RUNNING', align: 'right', cell: ({ inFlight }) => formatCount(inFlight) },
  { title: 'REQUESTS', align: 'right', cell: ({ requests }) => formatCount(requests) },
  { title: 'FAILED', align: 'right', cell: (instance) => formatCount(failedOf(instance)) },
  {
    title: 'LAST SIGN',
    align: 'right',
    cell: ({ lastSeenMs }) => (lastSeenMs === undefined ? 'none needed' : `${lastSeenMs} ms ago`),
  },
  { title: 'ID', cell: ({ id }) => id.slice(0, 8) },
]

function sum(instances: readonly InstanceInfo[], of: (instance: InstanceInfo) => number): number {
  return instances.reduce((total, instance) => total + of(instance), 0)
}

/** What visitors call failed: no answer, or an error. One that was an error and broke off was counted as two. */
const failedOf = ({ requests, failures, errors = 0 }: InstanceInfo): number =>
  Math.min(Math.max(requests, failures), failures + errors)

function menuOf({ menuItems, state }: ServiceInfo): string {
  const labels = Object.values(menuItems).flatMap((items) => items.map(({ label }) => printable(label)))
  if (labels.length === 0) return ''
  const shown = labels.length > 3 ? [...labels.slice(0, 3), `and ${labels.length - 3} more`] : labels
  return [...shown, ...(state === 'down' || state === 'draining' ? ['disabled'] : [])].join(', ')
}
