/**
 * `hydra check`
 *
 * @module
 */
import { loadConfig } from '@hydra-gateway/gateway/config'
import type { FragmentsAnswer } from '@hydra-gateway/protocol'
import { type AdminOptions, openAdmin } from '../admin.ts'
import { askPages, findClashes } from '../clashes.ts'
import { defineCommand, GATEWAY_ARGS } from '../command.ts'
import { asJson, CommandError, EXIT, type Io } from '../io.ts'
import { formatCount, printable } from '../table.ts'
import { sentenceOf } from './fragments.ts'

interface Report {
  readonly file: string | undefined
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
    'Nothing is started. When a gateway answers, each service is asked for one page through it, to find cookies\nof the same name and headers that speak for the whole site. Fragments that do not fit the pages they are for,\nand tags that nobody answers, are said as well.',
  args: {
    file: {
      type: 'positional',
      required: false,
      description: 'Configuration file; otherwise hydra.config.* in this directory',
    },
    gateway: GATEWAY_ARGS.gateway,
    json: GATEWAY_ARGS.json,
    strict: { type: 'boolean', default: false, description: 'Exit with 1 for warnings too' },
  },
  examples: [
    ['hydra check hydra.config.yaml', 'before it is deployed'],
    ['hydra check --gateway https://shop.example.com', 'the services of a running gateway'],
  ],
  async run({ file, gateway, json, strict }, io) {
    const { file: read, warnings } = await loadConfig({ directory: io.directory, file, env: io.env })
    const running = await askGateway({ gateway, config: file }, io)
    const report: Report = { file: read, ...running, warnings: [...warnings, ...running.warnings] }
    io.out(json ? asJson({ ok: report.warnings.length === 0, ...report }) : formatReport(report, io))
    return strict && report.warnings.length > 0 ? EXIT.problem : EXIT.ok
  },
})

/** Asks the services of a gateway. One that nobody named need not be there: then it is said why nothing was asked. */
async function askGateway(
  options: AdminOptions,
  io: Io,
): Promise<Pick<Report, 'gateway' | 'notAsked' | 'warnings'>> {
  try {
    const admin = await openAdmin(options, io)
    const { routes, warnings = [] } = await admin.routes()
    const fragments = fragmentWarnings(await admin.fragments())
    const { visits, notAsked } = await askPages(options.gateway ?? admin.url, routes)
    return {
      gateway: admin.url,
      warnings: [...warnings.map(({ warning }) => warning), ...fragments, ...findClashes(visits)],
      notAsked,
    }
  } catch (error) {
    if (options.gateway === undefined && error instanceof CommandError && error.exit !== EXIT.problem)
      return { notAsked: [`${error.fact}, so no services were asked.`], warnings: [] }
    throw error
  }
}

/** Pages and fragments that don't fit together, and tags nobody answers, each in a sentence with a way out. */
function fragmentWarnings({ conflicts, moreConflicts, unmet }: FragmentsAnswer): string[] {
  return [
    ...conflicts.map((one) => `${sentenceOf(one)}.`),
    ...(moreConflicts ? [`And ${formatCount(moreConflicts)} more fragments that do not fit.`] : []),
    ...unmet.map(({ page, place, reason }) => `${page} asks for a fragment at ${place}, but ${reason}`),
  ]
}

function formatReport({ file, gateway, warnings, notAsked = [] }: Report, io: Io): string {
  const style = io.style.out
  const lines = [
    `${style.state('available').replace('available', '')}${file ? `${file} is` : 'There is no file; defaults and environment are'} in order.`,
    ...(gateway ? [`  Services behind ${style.underline(gateway)} were asked for a page each.`] : []),
    ...notAsked.map((line) => `  ${style.dim(printable(line))}`),
    ...warnings.map((line) => `  ${style.warning('▲')} ${printable(line)}`),
  ]
  return style.plain(`${lines.join('\n')}\n`)
}
