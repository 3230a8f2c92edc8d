/**
 * `hydra sessions` and `hydra sessions end`
 *
 * @module
 */
import type { Style } from '@hydra-gateway/gateway/terminal'
import type { SessionInfo, SessionsAnswer } from '@hydra-gateway/protocol'
import { openAdmin } from '../admin.ts'
import { defineCommand, GATEWAY_ARGS } from '../command.ts'
import { asJson, CommandError, EXIT, sentences } from '../io.ts'
import { type Column, formatCount, formatTable, printable } from '../table.ts'
import { timeOf } from '../time.ts'
import { wrap } from '../wrap.ts'

const USER = {
  type: 'string',
  valueHint: 'NAME',
  description: 'A user name, or provider:subject',
} as const

const end = defineCommand({
  name: 'end',
  summary: 'End a session, or all sessions of somebody, at every gateway',
  about:
    'Pages, open WebSockets and everything else of them end within a second. The person may sign in again.',
  args: {
    sid: { type: 'positional', required: false, description: 'Id of a session, as hydra sessions lists it' },
    user: USER,
    ...GATEWAY_ARGS,
  },
  examples: [
    ['hydra sessions end --user ada', 'wherever they are signed in'],
    ['hydra sessions end --user work:00u1a2', 'an identity of a provider'],
  ],
  async run({ sid, user, gateway, config, json }, io) {
    if ((sid === undefined) === (user === undefined))
      throw new CommandError('Name either the id of a session or --user NAME', EXIT.usage)
    const admin = await openAdmin({ gateway, config }, io)
    // asked before: what has ended is not listed
    const seen = user === undefined ? undefined : (await admin.sessions(user)).total
    const answer = user === undefined ? await admin.endSession(sid!) : await admin.endSessionsOf(user)
    if (json) io.out(asJson(answer))
    else {
      io.out(
        sentences(
          user === undefined
            ? 'The session is ended.\n'
            : `Every session of ${printable(user)} that began before now is ended${seen === 0 ? ' (none was seen here)' : ''}.\n`,
          io.style.out,
        ),
      )
    }
    return EXIT.ok
  },
})

export const sessions = defineCommand({
  name: 'sessions',
  summary: 'List who is signed in, and end sessions',
  about:
    'Sessions live in browsers: a gateway lists those it saw since it started. Ended ones are over at every gateway.',
  args: { ...GATEWAY_ARGS, user: { ...USER, description: `${USER.description}: their sessions only` } },
  examples: [
    ['hydra sessions --user ada', 'of one person'],
    ["hydra sessions --json | jq '.sessions[].username'", 'for a program'],
    ['hydra sessions end --user ada', 'signs them out everywhere'],
  ],
  subCommands: [end],
  async run({ gateway, config, json, user }, io) {
    const admin = await openAdmin({ gateway, config }, io)
    const answer = await admin.sessions(user)
    io.out(json ? asJson(answer) : formatSessions(answer, admin.url, io.style.out, user))
    return EXIT.ok
  },
})

/** The list as people read it. `user`: whose they are. */
export function formatSessions(
  { sessions: listed, total }: SessionsAnswer,
  url: string,
  style: Style,
  user?: string,
): string {
  const lines = [
    `${style.mark}${style.underline(url)}`,
    ...wrap(sentence(listed, total, user), style.columns - 2).map((line) => `  ${line}`),
  ]
  if (listed.length > 0) lines.push('', ...formatTable(listed, COLUMNS, style))
  if (total > listed.length) lines.push('', `  and ${formatCount(total - listed.length)} that began before.`)
  return style.plain(`${lines.join('\n')}\n`)
}

function sentence(listed: readonly SessionInfo[], total: number, user: string | undefined): string {
  const whose = user === undefined ? '' : ` of ${printable(user)}`
  if (total === 0) return `This gateway has seen no session${whose} since it started.`
  const some = total === 1 ? '1 session' : `${formatCount(total)} sessions`
  if (user !== undefined || total > listed.length)
    return `${some}${whose}, seen here since the gateway started.`
  const people = new Set(listed.map(({ identity }) => identity)).size
  return `${some} of ${people === 1 ? '1 person' : `${formatCount(people)} people`}, seen here since the gateway started.`
}

const COLUMNS: Column<SessionInfo>[] = [
  { title: 'USER', cell: ({ username }) => printable(username) },
  { title: 'SESSION', cell: ({ sid }) => printable(sid) },
  { title: 'BY', cell: ({ providers }) => providers.map(printable).join(', ') },
  { title: 'SIGNED IN', cell: ({ startedAt }) => timeOf(startedAt) },
  { title: 'SEEN', cell: ({ seenAt }) => timeOf(seenAt) },
  { title: 'ENDS', cell: ({ endsAt }) => timeOf(endsAt) },
  { title: 'SOCKETS', align: 'right', cell: ({ sockets }) => formatCount(sockets) },
  { title: 'FROM', cell: ({ address }) => printable(address ?? '') },
]
