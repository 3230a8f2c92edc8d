/**
 * `hydra keys` and `hydra keys rotate`
 *
 * @module
 */
import type { Style } from '@hydra-gateway/gateway/terminal'
import type { SigningKeyInfo, SigningKeysAnswer } from '@hydra-gateway/protocol'
import { openAdmin } from '../admin.ts'
import { defineCommand, GATEWAY_ARGS } from '../command.ts'
import { asJson, EXIT } from '../io.ts'
import { type Column, formatTable, printable } from '../table.ts'
import { timeOf } from '../time.ts'
import { wrap } from '../wrap.ts'

const rotate = defineCommand({
  name: 'rotate',
  summary: 'Make a new key and sign with it from now on; nobody has to sign in again',
  about:
    'The old key verifies until the last token it signed has expired. Services are told of the new one at once.',
  args: GATEWAY_ARGS,
  async run({ gateway, config, json }, io) {
    const admin = await openAdmin({ gateway, config }, io)
    const answer = await admin.rotateKeys()
    if (json) io.out(asJson(answer))
    else {
      const [active] = answer.keys
      io.out(io.style.out.plain(`${printable(active?.kid ?? '')} signs from now on.\n\n`))
      io.out(formatKeys(answer, admin.url, io.style.out))
    }
    return EXIT.ok
  },
})

export const keys = defineCommand({
  name: 'keys',
  summary: 'List the keys that sign logins, and make a new one',
  about: 'Not the keys that services register with: those are shown by  hydra config --show-keys',
  args: GATEWAY_ARGS,
  examples: [
    ['hydra keys rotate', 'a new key; the old one verifies for as long as it is needed'],
    ["hydra keys --json | jq '.keys[0].kid'", 'for a program'],
  ],
  subCommands: [rotate],
  async run({ gateway, config, json }, io) {
    const admin = await openAdmin({ gateway, config }, io)
    const answer = await admin.signingKeys()
    io.out(json ? asJson(answer) : formatKeys(answer, admin.url, io.style.out))
    return EXIT.ok
  },
})

/** The list as people read it. */
export function formatKeys({ keys: listed, warnings }: SigningKeysAnswer, url: string, style: Style): string {
  const old = listed.length - 1
  const others =
    old < 1 ? '' : old === 1 ? '; 1 older one still verifies' : `; ${old} older ones still verify`
  const lines = [`${style.mark}${style.underline(url)}`, `  1 key signs${others}.`]
  lines.push('', ...formatTable(listed, COLUMNS(style), style))
  for (const warning of warnings) {
    lines.push('')
    wrap(printable(warning), style.columns - 4).forEach((line, i) => {
      lines.push(`  ${i === 0 ? style.warning('▲') : ' '} ${line}`)
    })
  }
  return style.plain(`${lines.join('\n')}\n`)
}

const COLUMNS = (style: Style): Column<SigningKeyInfo>[] => [
  {
    title: 'STATE',
    cell: ({ state }) =>
      state === 'active'
        ? style.state('available').replace('available', 'signs')
        : style.state('draining').replace('draining', 'verifies'),
  },
  { title: 'KEY', cell: ({ kid }) => printable(kid) },
  { title: 'MADE', cell: ({ createdAt }) => timeOf(createdAt) },
  { title: 'NEEDED UNTIL', cell: ({ until }) => (until === undefined ? '' : timeOf(until)) },
]
