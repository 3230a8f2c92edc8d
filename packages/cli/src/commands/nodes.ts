/**
 * `hydra nodes`
 *
 * @module
 */
import type { Style } from '@hydra-gateway/gateway/terminal'
import type { NodeInfo, NodesAnswer } from '@hydra-gateway/protocol'
import { openAdmin } from '../admin.ts'
import { defineCommand, GATEWAY_ARGS } from '../command.ts'
import { asJson, EXIT } from '../io.ts'
import { type Column, formatCount, formatTable, printable } from '../table.ts'
import { timeOf } from '../time.ts'
import { wrap } from '../wrap.ts'

export const nodes = defineCommand({
  name: 'nodes',
  summary: 'List the gateways that share a store, and whether this one can reach it',
  args: GATEWAY_ARGS,
  examples: [["hydra nodes --json | jq '.store.isReachable'", 'for a program']],
  async run({ gateway, config, json }, io) {
    const admin = await openAdmin({ gateway, config }, io)
    const answer = await admin.nodes()
    io.out(json ? asJson(answer) : formatNodes(answer, admin.url, io.style.out))
    return EXIT.ok
  },
})

/** The nodes as people read them. */
export function formatNodes(answer: NodesAnswer, url: string, style: Style): string {
  const { nodes: listed } = answer
  const lines = [
    `${style.mark}${style.underline(url)}`,
    ...wrap(storeSentence(answer), style.columns - 2).map((line) => `  ${line}`),
    '',
    ...formatTable(listed, COLUMNS(style), style),
  ]
  const strangers = listed.filter(({ isTrusted }) => !isTrusted)
  if (strangers.length > 0) {
    const names = strangers.map(({ name }) => printable(name)).join(', ')
    const text = `${names}: other private keys than here. Nothing of what such a node says is believed: give all nodes the same HYDRA_PUBLIC_KEY and HYDRA_PRIVATE_KEY.`
    lines.push(
      '',
      ...wrap(text, style.columns - 4).map((line, at) => `  ${at ? ' ' : style.warning('▲')} ${line}`),
    )
  }
  return `${lines.join('\n')}\n`
}

function storeSentence({ store, localOnly, nodes }: NodesAnswer): string {
  const { place, isShared, isReachable, forMs } = store
  if (!isShared) return 'This gateway is alone: everything is kept in its own memory.'
  if (isReachable) return `The nodes share ${printable(place)}.`
  const seconds = Math.round(forMs / 1000)
  const known = localOnly === 1 ? '1 instance' : `${formatCount(localOnly)} instances`
  const alone = localOnly === 0 ? '' : `, and ${known} that only this node knows of`
  return `The store (${printable(place)}) has not been reached for ${seconds} s: the services this node knew last are served${alone}.${nodes.length > 1 ? ' Other nodes stand here as they were last seen.' : ''}`
}

const COLUMNS = (style: Style): Column<NodeInfo>[] => [
  {
    title: 'NODE',
    cell: ({ name, isThis }) => `${printable(name)}${isThis ? style.dim(' (this one)') : ''}`,
  },
  { title: 'STATE', cell: ({ isLeaving, isTrusted }) => stateOf(isLeaving, isTrusted) },
  { title: 'SINCE', cell: ({ startedAt }) => timeOf(startedAt) },
  { title: 'VERSION', cell: ({ version }) => printable(version) },
  { title: 'ID', cell: ({ id }) => printable(id) },
]

function stateOf(isLeaving: boolean, isTrusted: boolean): string {
  if (!isTrusted) return 'not trusted'
  return isLeaving ? 'stopping' : 'running'
}
