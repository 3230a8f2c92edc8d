/**
 * `hydra fragments`
 *
 * @module
 */
import type { Style } from '@hydra-gateway/gateway/terminal'
import type { FragmentInfo, FragmentsAnswer } from '@hydra-gateway/protocol'
import { mustBeKnown, openAdmin } from '../admin.ts'
import { defineCommand, GATEWAY_ARGS } from '../command.ts'
import { asJson, EXIT } from '../io.ts'
import { type Column, formatCount, formatTable, printable, versionOf } from '../table.ts'
import { wrap } from '../wrap.ts'

export const fragments = defineCommand({
  name: 'fragments',
  summary: 'List fragments, who renders them, whose pages ask for them, and what does not fit',
  args: {
    ...GATEWAY_ARGS,
    service: {
      type: 'string',
      valueHint: 'NAME',
      description: 'Fragments this service renders or asks for only',
    },
  },
  examples: [
    ['hydra fragments --service shop', 'what one service has to do with'],
    ['hydra fragments --json | jq .conflicts', 'for a program'],
  ],
  async run({ gateway, config, json, service }, io) {
    const admin = await openAdmin({ gateway, config }, io)
    if (service !== undefined) await mustBeKnown(service, admin)
    const answer = filter(await admin.fragments(), service)
    io.out(json ? asJson(answer) : formatFragments(answer, admin.url, io.style.out, service))
    return EXIT.ok
  },
})

function filter(answer: FragmentsAnswer, service: string | undefined): FragmentsAnswer {
  if (service === undefined) return answer
  return {
    ...answer,
    fragments: answer.fragments.filter(
      (one) => one.service === service || one.usedBy.some(({ page }) => page === service),
    ),
    conflicts: answer.conflicts.filter((one) => one.service === service || one.page === service),
    unmet: answer.unmet.filter((one) => one.service === service || one.page === service),
  }
}

/** The list as people read it. `service`: the one whose fragments are left in it. */
export function formatFragments(
  answer: FragmentsAnswer,
  url: string,
  style: Style,
  service?: string,
): string {
  const { revision, fragments: listed, conflicts, moreConflicts = 0, unmet } = answer
  const serious = conflicts.filter(({ refused }) => refused !== 'none')
  const warnings = conflicts.filter(({ refused }) => refused === 'none')
  const lines = [
    `${style.mark}${style.underline(url)}   ${style.dim(`revision ${formatCount(revision)}`)}`,
    ...(listed.length === 0 && service !== undefined ? [] : [`  ${sentence(listed)}`]),
  ]
  if (listed.length > 0) lines.push('', ...formatTable(listed, COLUMNS(style), style))
  if (service !== undefined && !listed.some((one) => one.service === service)) {
    const none = `${printable(service)} renders none; pages made for each request, and pages the gateway composes, are not listed as users.`
    lines.push('', ...wrap(none, style.columns - 2).map((line) => `  ${line}`))
  }
  const section = (heading: string, items: readonly (readonly [string, string])[]): void => {
    if (items.length === 0) return
    lines.push('', ...marked(heading, style))
    for (const [what, why] of items) {
      lines.push('', `    ${style.bold(printable(what))}`)
      lines.push(...wrap(printable(why), style.columns - 6).map((line) => `      ${line}`))
    }
  }
  section(
    `${count(serious.length, 'conflict')}: whoever was first keeps what it has.`,
    serious.map((one) => [`${one.service}#${one.ref}`, `${sentenceOf(one)}.`]),
  )
  section(
    `${count(warnings.length, 'likely mistake')}; nothing is refused.`,
    warnings.map((one) => [`${one.service}#${one.ref}`, `${sentenceOf(one)}.`]),
  )
  section(
    `${count(unmet.length, 'tag')} that nobody answers.`,
    unmet.map((one) => [`${one.page} ${one.place}`, one.reason]),
  )
  if (moreConflicts > 0) lines.push('', `  and ${formatCount(moreConflicts)} more conflicts and mistakes.`)
  return style.plain(`${lines.join('\n')}\n`)
}

/** What does not fit, what became of it, and a way out. */
export function sentenceOf(conflict: FragmentsAnswer['conflicts'][number]): string {
  const { kind, reason, refused, service, ref, page, instances = [] } = conflict
  const some = count(instances.length, 'instance')
  const consequence = {
    ref: `; ${page} was first, so ${some} of ${service} ${instances.length === 1 ? 'is' : 'are'} not asked for ${ref}`,
    use: `; ${service} was first, so the page shows its fallback`,
    none: '',
  }[refused]
  return `${kind}: ${reason}${consequence}`
}

function sentence(listed: readonly FragmentInfo[]): string {
  if (listed.length === 0) return 'No service has said that it renders fragments.'
  const services = new Set(listed.map(({ service }) => service)).size
  const refs = new Set(listed.map(({ service, ref }) => `${service}\0${ref}`)).size
  return `${count(refs, 'fragment')} of ${count(services, 'service')}.`
}

/** A line with a warning's shape, as many lines as it needs. */
function marked(text: string, style: Style): string[] {
  return wrap(text, style.columns - 4).map((line, i) => `  ${i === 0 ? style.warning('▲') : ' '} ${line}`)
}

const count = (number: number, what: string) => `${formatCount(number)} ${what}${number === 1 ? '' : 's'}`
const names = (list: readonly string[]) => (list.length === 0 ? 'none' : short(list.map(printable)))
const short = (list: readonly string[]) =>
  list.length > 3 ? `${list.slice(0, 3).join(', ')} and ${list.length - 3} more` : list.join(', ')

function users({ usedBy }: FragmentInfo): string {
  if (usedBy.length === 0) return 'no page known'
  return short([...new Set(usedBy.map(({ page }) => printable(page)))])
}

const COLUMNS = (style: Style): Column<FragmentInfo>[] => [
  {
    title: 'STATE',
    cell: ({ state, refused }) =>
      refused === undefined ? style.state(state) : `${style.warning('▲')} refused`,
  },
  { title: 'FRAGMENT', cell: ({ ref }) => printable(ref) },
  { title: 'SERVICE', cell: ({ service }) => printable(service) },
  { title: 'VERSION', cell: ({ versions }) => names(versions.map(versionOf)) },
  { title: 'USED BY', cell: users },
  { title: 'IMPORTS', cell: ({ imports }) => (imports ? names(imports) : 'any') },
  { title: 'EXPORTS', cell: ({ attributes }) => names(attributes) },
]
