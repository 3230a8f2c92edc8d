/**
 * `hydra check`
 *
 * @module
 */
import { type Config, loadConfig } from '@hydra-gateway/gateway/config'
import type { OtherService } from '@hydra-gateway/gateway/rehearsal'
import { fold, type Style } from '@hydra-gateway/gateway/terminal'
import type { FragmentsAnswer, MenuFault, MenuItems, RouteInfo, ServiceInfo } from '@hydra-gateway/protocol'
import { type AdminOptions, openAdmin } from '../admin.ts'
import { askPages, findClashes } from '../clashes.ts'
import { defineCommand, GATEWAY_ARGS } from '../command.ts'
import { asJson, CommandError, EXIT, type Io } from '../io.ts'
import { formatCount, printable } from '../table.ts'
import { sentenceOf } from './fragments.ts'
import { askedFor } from './menus.ts'

interface Report {
  readonly file: string | undefined
  /** The configuration of hydra-router below it. */
  readonly routerFile?: string
  readonly warnings: readonly string[]
  /** Address of the gateway whose services were asked; absent when none answered. */
  readonly gateway?: string
  /** What could not be asked, each in a sentence with the reason: a service, or the gateway and so all of them. */
  readonly notAsked?: readonly string[]
}

export const check = defineCommand({
  name: 'check',
  summary: 'Check a configuration, and how the services behind a running gateway get along',
  about:
    'Nothing is started. When a gateway answers, each service is asked for one page through it, to find cookies\nof the same name and headers that speak for the whole site. Fragments that do not fit the pages they are for,\ntags that nobody answers, menu items that lead nowhere and fallbacks that nobody has are said as well.',
  args: {
    file: {
      type: 'positional',
      required: false,
      description: 'Configuration file; otherwise hydra.config.* in this directory',
    },
    config: { ...GATEWAY_ARGS.config, description: 'The same file, as other commands are told of it' },
    gateway: GATEWAY_ARGS.gateway,
    json: GATEWAY_ARGS.json,
    strict: { type: 'boolean', default: false, description: 'Exit with 1 for warnings too' },
  },
  examples: [
    ['hydra check hydra.config.yaml', 'before it is deployed'],
    ['hydra check --gateway https://shop.example.com', 'the services of a running gateway'],
  ],
  async run({ file: word, config: named, gateway, json, strict }, io) {
    if (word !== undefined && named !== undefined)
      throw new CommandError(`${word} and --config ${named}: one file can be checked at a time`, EXIT.usage)
    const file = word ?? named
    const { config: read, ...loaded } = await loadConfig({ directory: io.directory, file, env: io.env })
    const configured = new Set(read.services.map(({ name }) => name))
    const { others, ...running } = await askGateway({ gateway, config: file }, configured, io)
    const warnings = [...loaded.warnings, ...(await rehearsed(read, others)), ...running.warnings]
    const { file: name, routerFile } = loaded
    const report: Report = { file: name, ...(routerFile ? { routerFile } : {}), ...running, warnings }
    io.out(json ? asJson({ ok: report.warnings.length === 0, ...report }) : formatReport(report, io))
    return strict && report.warnings.length > 0 ? EXIT.problem : EXIT.ok
  },
})

/** What a gateway says of the configured services when it starts: of their menu items, and of what is shown for them. */
async function rehearsed(config: Config, others: readonly OtherService[]): Promise<string[]> {
  if (config.services.length === 0) return []
  // Only this command, and only then, needs the registry.
  const { rehearse } = await import('@hydra-gateway/gateway/rehearsal')
  const { menuFaults, fallbacks } = rehearse(config, others)
  return [
    ...menuWarnings(menuFaults),
    ...fallbacks.map((line) => `${line.slice(0, 1).toUpperCase()}${line.slice(1)}`),
  ]
}

interface Running extends Pick<Report, 'gateway' | 'notAsked' | 'warnings'> {
  readonly others: readonly OtherService[]
}

/**
 * Asks the services of a gateway. One that nobody named need not be there: then it is said why nothing was asked.
 * What it says of menu items of `configured` services is left out: it may have read the file before it was changed.
 */
async function askGateway(options: AdminOptions, configured: ReadonlySet<string>, io: Io): Promise<Running> {
  try {
    const admin = await openAdmin(options, io)
    const { routes, warnings = [] } = await admin.routes()
    const others = otherServices((await admin.services()).services, routes)
    const { faults, wanted = [] } = await admin.menus()
    const menus = faults.filter(({ service }) => !configured.has(service))
    const fragments = fragmentWarnings(await admin.fragments())
    const { visits, notAsked } = await askPages(options.gateway ?? admin.url, routes)
    return {
      gateway: admin.url,
      warnings: [
        ...warnings.map(({ warning }) => warning),
        ...menuWarnings(menus),
        ...wanted.map(askedFor),
        ...fragments,
        ...findClashes(visits),
      ],
      notAsked,
      others,
    }
  } catch (error) {
    if (options.gateway === undefined && error instanceof CommandError && error.exit !== EXIT.problem)
      return { notAsked: [`${error.fact}, so no services were asked.`], warnings: [], others: [] }
    throw error
  }
}

/** Items of the configuration may lead to pages of services that register themselves, and stand below items of those. */
function otherServices(services: readonly ServiceInfo[], routes: readonly RouteInfo[]): OtherService[] {
  const byService = Map.groupBy(routes, ({ service }) => service)
  return services.map(({ name, menuItems }) => ({
    name,
    routes: (byService.get(name) ?? []).filter(({ kind }) => kind !== 'socket'),
    menuItems: menuItems as MenuItems,
  }))
}

const menuWarnings = (faults: readonly Pick<MenuFault, 'service' | 'reason'>[]): string[] =>
  faults.map(({ service, reason }) => `${service}: ${reason}`)

/** Pages and fragments that don't fit together, and tags nobody answers, each in a sentence with a way out. */
function fragmentWarnings({ conflicts, moreConflicts, unmet }: FragmentsAnswer): string[] {
  return [
    ...conflicts.map((one) => `${sentenceOf(one)}.`),
    ...(moreConflicts ? [`And ${formatCount(moreConflicts)} more fragments that do not fit.`] : []),
    ...unmet.map(({ page, place, reason }) => `${page} asks for a fragment at ${place}, but ${reason}`),
  ]
}

/** The first line: whether the configuration can be used as it is, and whether all in it is as it was meant. */
function verdict({ file, routerFile, warnings: { length: warnings } }: Report, style: Style): string {
  const subject = subjectOf(file, routerFile)
  const shape = (state: 'available' | 'degraded') => style.state(state).replace(state, '')
  if (warnings === 0) return `${shape('available')}${subject} in order.`
  return `${shape('degraded')}${subject} valid, with ${warnings === 1 ? '1 warning' : `${formatCount(warnings)} warnings`}.`
}

function subjectOf(file: string | undefined, routerFile: string | undefined): string {
  if (routerFile !== undefined)
    return file === undefined
      ? `${routerFile} of hydra-router is`
      : `${file}, with ${routerFile} of hydra-router below it, is`
  return file === undefined ? 'There is no file; defaults and environment are' : `${file} is`
}

function formatReport(report: Report, io: Io): string {
  const { gateway, warnings, notAsked = [] } = report
  const style = io.style.out
  const lines = [
    verdict(report, style),
    ...(gateway ? [`  Services behind ${style.underline(gateway)} were asked for a page each.`] : []),
    ...notAsked.map((line) => `  ${style.dim(printable(line))}`),
    ...warnings.map((line) => `  ${style.warning('▲')} ${printable(line)}`),
  ]
  return style.plain(fold(`${lines.join('\n')}\n`, style.columns))
}
