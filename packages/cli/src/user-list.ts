/**
 * Local users as people at a terminal read them.
 *
 * @module
 */
import type { Style } from '@hydra-gateway/gateway/terminal'
import type { UserInfo } from '@hydra-gateway/protocol'
import { type Column, formatTable, printable } from './table.ts'
import type { OpenedUsers } from './user-database.ts'

/** The list as people read it. */
export function formatUsers(
  listed: readonly UserInfo[],
  { file, configured }: Pick<OpenedUsers, 'file' | 'configured'>,
  style: Style,
): string {
  const count = listed.length === 1 ? '1 user.' : `${listed.length} users.`
  const lines = [
    `${style.mark}${style.underline(file)}`,
    `  ${listed.length === 0 ? 'Nobody yet. hydra users add NAME  makes a user.' : count}`,
  ]
  if (configured.length > 0) {
    const some = configured.slice(0, 5).map(printable).join(', ')
    const others = configured.length > 5 ? ` and ${configured.length - 5} more` : ''
    lines.push(`  In the configuration beside them: ${some}${others}.`)
  }
  if (listed.length > 0) lines.push('', ...formatTable(listed, COLUMNS(style), style))
  return style.plain(`${lines.join('\n')}\n`)
}

const COLUMNS = (style: Style): Column<UserInfo>[] => [
  { title: 'STATE', cell: (user) => stateOf(user, style) },
  { title: 'USER', cell: ({ username }) => printable(username) },
  { title: 'ROLES', cell: ({ roles: given }) => given.map(printable).join(', ') },
  { title: 'ID', align: 'right', cell: ({ id }) => (id === null ? '' : String(id)) },
  { title: 'FACTS', cell: ({ metadata }) => printable(shortFacts(metadata)) },
]

/** Why somebody may not sign in, as the login checks it. */
function stateOf(user: UserInfo, style: Style): string {
  const no = (word: string) => style.state('down').replace('down', word)
  if (!user.accountNonLocked) return no('locked')
  if (!user.enabled) return no('disabled')
  if (!user.accountNonExpired) return no('expired')
  if (!user.credentialsNonExpired) return no('password expired')
  return style.state('available').replace('available', 'enabled')
}

function shortFacts(metadata: UserInfo['metadata']): string {
  const text = Object.entries(metadata)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ')
  return text.length > 40 ? `${text.slice(0, 39)}…` : text
}
